-- The messages of events.raw with an id, as they were recorded.
-- Parameters: id, limit.
-- Cost: the granules that may hold the id, by the index by_id.
SELECT origin, partition, position, recorded_at, token, request, traceparent, value
FROM events_bronze FINAL
WHERE id = {id:UUID}
ORDER BY recorded_at, origin, partition, position
LIMIT {limit:UInt64}
