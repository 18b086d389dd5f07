-- Notes the places of a person's rows in gold as erased where another row of the id counts.
-- Parameters: those of of_person; erasure.
-- Cost: the granules that may hold the person, by the indexes by_user and by_account.
INSERT INTO erased_messages (origin, origin_digest, partition, position, erased_from, event_id, erasure)
SELECT DISTINCT origin, origin_digest, partition, position, 'events', event_id, {erasure:UUID}
FROM events
WHERE {{erasure/of_person.part}}
    AND event_id NOT IN (SELECT event_id FROM erased_events WHERE erasure = {erasure:UUID})
