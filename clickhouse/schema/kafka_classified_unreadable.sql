-- Generated from clickhouse/migrations; do not edit.
CREATE MATERIALIZED VIEW kafka_classified_unreadable TO incoming_dead_letters
(
    `pipeline` String,
    `run_id` String,
    `source` String,
    `origin` LowCardinality(String),
    `origin_digest` String,
    `partition` Int32,
    `position` UInt64,
    `id` UUID,
    `source_id` String,
    `content_hash` UInt64,
    `outcome` String,
    `column` String,
    `code` String,
    `message` String,
    `raw` String,
    `attempt` UInt16,
    `model_version` String,
    `trace_id` String,
    `span_id` String,
    `replays` UInt16,
    `at` DateTime64(6, 'UTC')
)
AS SELECT
    'stream' AS pipeline,
    'clickhouse' AS run_id,
    '' AS source,
    _topic AS origin,
    '' AS origin_digest,
    CAST(_partition, 'Int32') AS partition,
    _offset AS position,
    toUUID('00000000-0000-0000-0000-000000000000') AS id,
    '' AS source_id,
    toUInt64(0) AS content_hash,
    'dead_letter' AS outcome,
    '' AS column,
    'unreadable' AS code,
    _error AS message,
    _raw_message AS raw,
    toUInt16(0) AS attempt,
    '' AS model_version,
    '' AS trace_id,
    '' AS span_id,
    toUInt16(0) AS replays,
    toDateTime64(ifNull(_timestamp, toDateTime(0, 'UTC')), 6, 'UTC') AS at
FROM kafka_classified
WHERE length(_error) > 0;
