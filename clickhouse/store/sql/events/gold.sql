-- Where an event is that is in gold; at most one row.
-- Parameters: id.
-- Cost: the granule of the id, by the primary key.
SELECT token, toString(correlation_id), type, context, toDecimalString(score, 4), received_at, published_at, processed_at,
    origin, partition, position, trace_id
FROM events FINAL
WHERE event_id = {id:UUID}
