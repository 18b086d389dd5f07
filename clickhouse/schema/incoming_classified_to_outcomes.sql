-- Generated from clickhouse/migrations; do not edit.
CREATE MATERIALIZED VIEW incoming_classified_to_outcomes TO outcomes
(
    `pipeline` LowCardinality(String),
    `run_id` LowCardinality(String),
    `origin` LowCardinality(String),
    `partition` Int32,
    `position` UInt64,
    `log_id` String,
    `source` LowCardinality(String),
    `origin_digest` LowCardinality(String),
    `id` UUID,
    `content_hash` UInt64,
    `outcome` Enum8('stored' = 1, 'rejected' = 2, 'duplicate' = 3, 'dead_letter' = 4),
    `code` String,
    `category` String,
    `model_version` LowCardinality(String),
    `version` DateTime64(6, 'UTC'),
    `classified_at` DateTime64(6, 'UTC'),
    `first_origin` String,
    `first_position` UInt64
)
AS SELECT
    simpleJSONExtractString(call, 'pipeline') AS pipeline,
    simpleJSONExtractString(call, 'run_id') AS run_id,
    simpleJSONExtractString(call, 'origin') AS origin,
    CAST(simpleJSONExtractInt(call, 'partition'), 'Int32') AS partition,
    position,
    if(simpleJSONExtractString(call, 'pipeline') = 'batch', '', simpleJSONExtractString(call, 'origin_digest')) AS log_id,
    simpleJSONExtractString(call, 'source') AS source,
    simpleJSONExtractString(call, 'origin_digest') AS origin_digest,
    id,
    content_hash,
    CAST('stored', 'Enum8(\'stored\' = 1, \'rejected\' = 2, \'duplicate\' = 3, \'dead_letter\' = 4)') AS outcome,
    '' AS code,
    category,
    simpleJSONExtractString(call, 'model_version') AS model_version,
    fromUnixTimestamp64Micro(greatest(if(version_us = 0, simpleJSONExtractInt(call, 'classified_us'), version_us), 0), 'UTC') AS version,
    fromUnixTimestamp64Micro(greatest(simpleJSONExtractInt(call, 'classified_us'), 0), 'UTC') AS classified_at,
    '' AS first_origin,
    toUInt64(0) AS first_position
FROM incoming_classified;
