-- Generated from clickhouse/migrations; do not edit.
CREATE MATERIALIZED VIEW arrived_classified_to_incoming TO incoming_classified
(
    `id` UUID,
    `source_id` String,
    `description` String,
    `amount` Decimal(18, 4),
    `timestamp` DateTime64(6, 'UTC'),
    `merchant` String,
    `merchant_null` UInt8,
    `operation_type` String,
    `side` UInt8,
    `category` String,
    `position` UInt64,
    `content_hash` UInt64,
    `version_us` Int64,
    `call` LowCardinality(String)
)
AS SELECT
    id,
    source_id,
    description,
    amount,
    timestamp,
    ifNull(a.merchant, '') AS merchant,
    toUInt8(a.merchant IS NULL) AS merchant_null,
    operation_type,
    side,
    category,
    position,
    content_hash,
    version_us,
    call
FROM arrived_classified AS a
WHERE problem = '';
