-- Generated from clickhouse/migrations; do not edit.
CREATE MATERIALIZED VIEW arrived_events_erased TO outcomes
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
    `outcome` Enum8('stored' = 1, 'rejected' = 2, 'duplicate' = 3, 'dead_letter' = 4, 'erased' = 5),
    `code` String,
    `category` String,
    `model_version` String,
    `version` DateTime64(6, 'UTC'),
    `classified_at` DateTime64(6, 'UTC'),
    `first_origin` String,
    `first_position` UInt64
)
AS SELECT
    'events' AS pipeline,
    'txflow-refine' AS run_id,
    origin,
    partition,
    position,
    origin_digest AS log_id,
    '' AS source,
    origin_digest,
    event_id AS id,
    content_hash,
    CAST('erased', 'Enum8(\'stored\' = 1, \'rejected\' = 2, \'duplicate\' = 3, \'dead_letter\' = 4, \'erased\' = 5)') AS outcome,
    '' AS code,
    '' AS category,
    rules_version AS model_version,
    fromUnixTimestamp64Micro(published_us, 'UTC') AS version,
    fromUnixTimestamp64Micro(processed_us, 'UTC') AS classified_at,
    '' AS first_origin,
    toUInt64(0) AS first_position
FROM arrived_events
WHERE (problem = '') AND (form IN ('erased', 'erased_rejected'));
