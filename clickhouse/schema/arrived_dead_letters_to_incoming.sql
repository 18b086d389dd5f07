-- Generated from clickhouse/migrations; do not edit.
CREATE MATERIALIZED VIEW arrived_dead_letters_to_incoming TO incoming_dead_letters
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
    `traceparent` String,
    `replays` UInt16,
    `at` DateTime64(6, 'UTC'),
    `version_us` Int64,
    `key` Nullable(String),
    `headers` Array(Tuple(
        name String,
        value Nullable(String)))
)
AS SELECT
    pipeline,
    run_id,
    source,
    origin,
    origin_digest,
    partition,
    position,
    id,
    source_id,
    content_hash,
    outcome,
    column,
    code,
    message,
    raw,
    attempt,
    model_version,
    trace_id,
    span_id,
    traceparent,
    replays,
    at,
    version_us,
    key,
    headers
FROM arrived_dead_letters
WHERE (problem = '') AND ((origin, origin_digest, partition, position) NOT IN (
    SELECT
        origin,
        origin_digest,
        partition,
        position
    FROM erased_messages
));
