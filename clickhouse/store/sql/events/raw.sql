-- The first message of events.raw with an id.
-- Parameters: id.
-- Cost: the granules that may hold the id, by the index by_id.
SELECT token, recorded_at, origin, partition, position
FROM events_bronze FINAL
WHERE id = {id:UUID}
ORDER BY recorded_at, origin, partition, position
LIMIT 1
