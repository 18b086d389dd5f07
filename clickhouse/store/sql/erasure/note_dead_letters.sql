-- Notes the dead letters of messages that are noted in events_bronze: those that do not hold their message are found in no
-- other way.
-- Parameters: erasure.
-- Cost: the dead letters of the topics, by the primary key.
INSERT INTO erased_messages (origin, origin_digest, partition, position, erased_from, event_id, erasure)
SELECT DISTINCT origin, origin_digest, partition, position, 'dead_letters', id, {erasure:UUID}
FROM dead_letters
WHERE pipeline = 'events' AND (origin, partition, position, id) IN (
    SELECT origin, partition, position, event_id FROM erased_messages
    WHERE erasure = {erasure:UUID} AND erased_from = 'events_bronze')
