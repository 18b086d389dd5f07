-- A bad message is a dead letter of the reader.
CREATE MATERIALIZED VIEW IF NOT EXISTS arrived_events_unreadable TO incoming_dead_letters AS
SELECT
    'events' AS pipeline, 'clickhouse' AS run_id, topic AS origin, toString(recorded_ms) AS origin_digest, log_partition AS partition,
    log_offset AS position, 'dead_letter' AS outcome, column, 'unreadable' AS code, problem AS message, raw,
    fromUnixTimestamp64Micro(recorded_ms * 1000, 'UTC') AS at
FROM arrived_events
WHERE problem != '';
