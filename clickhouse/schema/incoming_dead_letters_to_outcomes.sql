-- Generated from clickhouse/migrations; do not edit.
CREATE MATERIALIZED VIEW incoming_dead_letters_to_outcomes TO outcomes
(
    `pipeline` String,
    `run_id` String,
    `origin` String,
    `partition` Int32,
    `position` UInt64,
    `source` String,
    `origin_digest` String,
    `id` UUID,
    `content_hash` UInt64,
    `outcome` Enum8('stored' = 1, 'rejected' = 2, 'duplicate' = 3, 'dead_letter' = 4),
    `code` String,
    `category` String,
    `model_version` String,
    `version` DateTime64(6, 'UTC'),
    `first_origin` String,
    `first_position` UInt64
)
AS SELECT
    pipeline,
    run_id,
    origin,
    partition,
    position,
    source,
    origin_digest,
    id,
    content_hash,
    CAST(outcome, 'Enum8(\'stored\' = 1, \'rejected\' = 2, \'duplicate\' = 3, \'dead_letter\' = 4)') AS outcome,
    code,
    '' AS category,
    model_version,
    toDateTime64(0, 6, 'UTC') AS version,
    '' AS first_origin,
    toUInt64(0) AS first_position
FROM incoming_dead_letters;
