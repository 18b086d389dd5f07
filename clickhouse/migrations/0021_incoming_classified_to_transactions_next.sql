-- From here on rows go into both tables. It is what incoming_classified_to_transactions selects, as writers of before send it.
CREATE MATERIALIZED VIEW IF NOT EXISTS incoming_classified_to_transactions_next TO transactions_next AS
SELECT
    id,
    simpleJSONExtractString(call, 'source') AS source,
    source_id, description,
    reinterpret(amount_e4, 'Decimal(18, 4)') AS amount,
    fromUnixTimestamp64Micro(timestamp_us, 'UTC') AS timestamp,
    if(merchant_null = 1, NULL, merchant) AS merchant,
    operation_type,
    CAST(if(side = 2, 2, 1), 'Enum8(\'debit\' = 1, \'credit\' = 2)') AS side,
    category,
    simpleJSONExtractString(call, 'model_version') AS model_version,
    fromUnixTimestamp64Micro(simpleJSONExtractInt(call, 'classified_us'), 'UTC') AS classified_at,
    simpleJSONExtractString(call, 'pipeline') AS pipeline,
    simpleJSONExtractString(call, 'run_id') AS run_id,
    CAST(simpleJSONExtractUInt(call, 'task_try'), 'UInt16') AS task_try,
    simpleJSONExtractString(call, 'origin') AS origin,
    simpleJSONExtractString(call, 'origin_digest') AS origin_digest,
    CAST(simpleJSONExtractInt(call, 'partition'), 'Int32') AS partition,
    position,
    simpleJSONExtractString(call, 'chunk') AS chunk,
    content_hash,
    CAST(simpleJSONExtractUInt(call, 'attempt'), 'UInt16') AS attempt,
    simpleJSONExtractString(call, 'trace_id') AS trace_id,
    simpleJSONExtractString(call, 'span_id') AS span_id,
    simpleJSONExtractBool(call, 'sampled') = 1 AS sampled,
    simpleJSONExtractString(call, 'origin_trace_id') AS origin_trace_id
FROM incoming_classified;
