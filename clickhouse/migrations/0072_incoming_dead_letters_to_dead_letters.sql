-- A dead letter starts open, and keeps the time at which it was first seen. No expression here can fail.
ALTER TABLE incoming_dead_letters_to_dead_letters MODIFY QUERY
SELECT
    origin, origin_digest, partition, position, pipeline, source, run_id, id, source_id, content_hash,
    CAST(if(outcome = 'rejected', 2, 4), 'Enum8(\'rejected\' = 2, \'dead_letter\' = 4)') AS outcome,
    column, code, message, raw,
    CAST('open', 'Enum8(\'open\' = 1, \'replayed\' = 2, \'resolved\' = 3, \'purged\' = 4)') AS state,
    replays, attempt, model_version, trace_id, span_id,
    if(first_seen > toDateTime64(0, 6, 'UTC'), least(first_seen, at), at) AS first_seen,
    at AS updated_at,
    if(version_us = 0, at, fromUnixTimestamp64Micro(greatest(version_us, 0), 'UTC')) AS version,
    traceparent, key, headers
FROM incoming_dead_letters;
