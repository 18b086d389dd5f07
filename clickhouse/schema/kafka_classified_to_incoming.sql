-- Generated from clickhouse/migrations; do not edit.
CREATE MATERIALIZED VIEW kafka_classified_to_incoming TO incoming_classified
(
    `id` UUID,
    `source_id` String,
    `description` String,
    `amount_e4` Int64,
    `timestamp_us` Int64,
    `merchant` String,
    `merchant_null` UInt8,
    `operation_type` String,
    `side` UInt8,
    `category` String,
    `position` UInt64,
    `content_hash` UInt64,
    `call` LowCardinality(String)
)
AS SELECT
    id,
    source_id,
    description,
    CAST(amount * 10000, 'Int64') AS amount_e4,
    toUnixTimestamp64Micro(timestamp) AS timestamp_us,
    ifNull(merchant, '') AS merchant,
    toUInt8(merchant IS NULL) AS merchant_null,
    operation_type,
    CAST(if(side = 'credit', 2, 1), 'UInt8') AS side,
    category,
    position,
    content_hash,
    toLowCardinality(call) AS call
FROM kafka_classified
WHERE length(_error) = 0;
