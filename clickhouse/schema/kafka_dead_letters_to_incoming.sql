-- Generated from clickhouse/migrations; do not edit.
CREATE MATERIALIZED VIEW kafka_dead_letters_to_incoming TO incoming_dead_letters
(
    `pipeline` String,
    `run_id` String,
    `source` String,
    `origin` String,
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
    pipeline,
    run_id,
    source,
    origin,
    '' AS origin_digest,
    partition,
    position,
    id,
    source_id,
    content_hash,
    outcome,
    column,
    code,
    message,
    tryBase64Decode(raw) AS raw,
    attempt,
    model_version,
    trace_id,
    span_id,
    replays,
    at
FROM kafka_dead_letters
WHERE length(_error) = 0;
