-- Generated from clickhouse/migrations; do not edit.
CREATE MATERIALIZED VIEW arrived_events_unreadable TO incoming_dead_letters
(
    `pipeline` String,
    `run_id` String,
    `origin` LowCardinality(String),
    `origin_digest` String,
    `partition` Int32,
    `position` UInt64,
    `outcome` String,
    `column` LowCardinality(String),
    `code` String,
    `message` String,
    `raw` String,
    `at` DateTime64(6, 'UTC')
)
AS SELECT
    'events' AS pipeline,
    'clickhouse' AS run_id,
    topic AS origin,
    toString(recorded_ms) AS origin_digest,
    log_partition AS partition,
    log_offset AS position,
    'dead_letter' AS outcome,
    column,
    'unreadable' AS code,
    problem AS message,
    raw,
    fromUnixTimestamp64Micro(recorded_ms * 1000, 'UTC') AS at
FROM arrived_events
WHERE (problem != '') AND ((topic, toString(recorded_ms), log_partition, log_offset) NOT IN (
    SELECT
        origin,
        origin_digest,
        partition,
        position
    FROM erased_messages
));
