-- Dividing a decimal by a whole number keeps its scale: ten-thousandths become the exact amount.
CREATE MATERIALIZED VIEW IF NOT EXISTS incoming_classified_to_transactions TO transactions AS
SELECT
    id, source, source_id, description,
    CAST(toDecimal128(amount_e4, 4) / 10000, 'Decimal(18, 4)') AS amount,
    fromUnixTimestamp64Micro(timestamp_us, 'UTC') AS timestamp,
    if(merchant_null = 1, NULL, merchant) AS merchant,
    operation_type,
    CAST(side, 'Enum8(\'debit\' = 1, \'credit\' = 2)') AS side,
    category, model_version, fromUnixTimestamp64Micro(classified_us, 'UTC') AS classified_at, pipeline, run_id, task_try, origin, origin_digest, partition, position, chunk,
    content_hash, attempt, trace_id, span_id,
    sampled = 1 AS sampled,
    origin_trace_id
FROM incoming_classified;
