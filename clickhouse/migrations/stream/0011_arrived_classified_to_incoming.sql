-- Good messages come in the way of all rows. A name without its table would be the alias: so did no merchant become an empty one.
CREATE MATERIALIZED VIEW IF NOT EXISTS arrived_classified_to_incoming TO incoming_classified AS
SELECT
    id, source_id, description, amount, timestamp, ifNull(a.merchant, '') AS merchant, toUInt8(a.merchant IS NULL) AS merchant_null,
    operation_type, side, category, position, content_hash, version_us, call
FROM arrived_classified AS a
WHERE problem = '';
