-- The dead letters of an event, as they were first seen.
-- Parameters: id, limit.
-- Cost: the granules that may hold the id, by the index by_id.
SELECT origin, origin_digest, partition, position, source, code, column, message, toString(state), trace_id, first_seen,
    updated_at
FROM dead_letters FINAL
WHERE id = {id:UUID} AND pipeline = 'events'
ORDER BY first_seen, origin, origin_digest, partition, position
LIMIT {limit:UInt64}
