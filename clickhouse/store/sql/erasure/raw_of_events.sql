-- The messages that have ids of a person's events in gold, or of those that an erasure noted; in no order.
-- Parameters: those of of_person; erasure.
-- Cost: the granules that may hold the ids, by the index by_id.
SELECT {{erasure/raw_message.part}}
FROM events_bronze
WHERE id IN (
    SELECT event_id FROM events WHERE {{erasure/of_person.part}}
    UNION DISTINCT
    SELECT event_id FROM erased_events WHERE erasure = {erasure:UUID}
    UNION DISTINCT
    SELECT event_id FROM erased_messages WHERE erasure = {erasure:UUID} AND erased_from = 'events')
