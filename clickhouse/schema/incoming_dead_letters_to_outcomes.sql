-- Generated from clickhouse/migrations; do not edit.
CREATE MATERIALIZED VIEW incoming_dead_letters_to_outcomes TO outcomes
(
    `pipeline` String,
    `run_id` String,
    `origin` String,
    `partition` Int32,
    `position` UInt64,
    `log_id` String,
    `source` String,
    `origin_digest` String,
    `id` UUID,
    `content_hash` UInt64,
    `outcome` Enum8('stored' = 1, 'rejected' = 2, 'duplicate' = 3, 'dead_letter' = 4),
    `code` String,
    `category` String,
    `model_version` String,
    `version` DateTime64(6, 'UTC'),
    `classified_at` DateTime64(6, 'UTC'),
    `first_origin` String,
    `first_position` UInt64
)
AS SELECT
    pipeline,
    run_id,
    origin,
    partition,
    position,
    if(pipeline = 'batch', '', origin_digest) AS log_id,
    source,
    origin_digest,
    id,
    content_hash,
    CAST(if(outcome = 'rejected', 2, 4), 'Enum8(\'stored\' = 1, \'rejected\' = 2, \'duplicate\' = 3, \'dead_letter\' = 4)') AS outcome,
    code,
    '' AS category,
    model_version,
    toDateTime64(0, 6, 'UTC') AS version,
    toDateTime64(0, 6, 'UTC') AS classified_at,
    '' AS first_origin,
    toUInt64(0) AS first_position
FROM incoming_dead_letters;
