-- Every pipeline comes in the same way.
CREATE MATERIALIZED VIEW IF NOT EXISTS kafka_classified_to_incoming TO incoming_classified AS
SELECT
    id, source_id, description,
    CAST(amount * 10000, 'Int64') AS amount_e4,
    toUnixTimestamp64Micro(timestamp) AS timestamp_us,
    ifNull(merchant, '') AS merchant,
    toUInt8(merchant IS NULL) AS merchant_null,
    operation_type,
    CAST(if(side = 'credit', 2, 1), 'UInt8') AS side,
    category, position, content_hash,
    toLowCardinality(call) AS call
FROM kafka_classified
WHERE length(_error) = 0;
