-- The messages of events_bronze that an erasure deletes.
-- Parameters: erasure.
(origin, toString(toUnixTimestamp64Milli(recorded_at)), partition, position) IN (
    SELECT origin, origin_digest, partition, position FROM erased_messages
    WHERE erasure = {erasure:UUID} AND erased_from = 'events_bronze')
