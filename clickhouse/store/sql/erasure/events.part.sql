-- The rows of events that an erasure deletes.
-- Parameters: erasure.
event_id IN (SELECT event_id FROM erased_events WHERE erasure = {erasure:UUID})
    OR (origin, origin_digest, partition, position) IN (
        SELECT origin, origin_digest, partition, position FROM erased_messages
        WHERE erasure = {erasure:UUID} AND erased_from = 'events')
