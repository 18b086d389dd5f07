-- A bad message is a dead letter of the reader. Offsets count from 0 again in a topic that is made again: the record's time
-- tells the two apart.
CREATE MATERIALIZED VIEW IF NOT EXISTS arrived_classified_unreadable TO incoming_dead_letters AS
SELECT
    'stream' AS pipeline, 'clickhouse' AS run_id, topic AS origin, toString(recorded_ms) AS origin_digest, partition, offset AS position,
    'dead_letter' AS outcome, column, 'unreadable' AS code, problem AS message, raw, fromUnixTimestamp64Micro(recorded_ms * 1000, 'UTC') AS at
FROM arrived_classified
WHERE problem != '';
