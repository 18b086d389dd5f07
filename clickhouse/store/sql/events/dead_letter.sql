-- The dead letter of an event: an open one first, then the last first seen.
-- Parameters: id.
-- Cost: the granules that may hold the id, by the index by_id.
SELECT source, origin, origin_digest, partition, position, code, column, message, toString(state), trace_id, first_seen
FROM dead_letters FINAL
WHERE id = {id:UUID} AND pipeline = 'events'
ORDER BY state = 'open' DESC, first_seen DESC, origin, origin_digest, partition, position
LIMIT 1
