-- The dead letters that an erasure deletes.
-- Parameters: erasure.
(origin, origin_digest, partition, position) IN (
    SELECT origin, origin_digest, partition, position FROM erased_messages
    WHERE erasure = {erasure:UUID} AND erased_from = 'dead_letters')
