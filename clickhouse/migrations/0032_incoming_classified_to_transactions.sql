-- Rows with their version. No expression here can fail, whatever a row holds: a failure would stop what comes from Kafka.
ALTER TABLE incoming_classified_to_transactions MODIFY QUERY
SELECT
    id,
    simpleJSONExtractString(call, 'source') AS source,
    source_id, description, amount, timestamp,
    if(merchant_null = 1, NULL, merchant) AS merchant,
    operation_type,
    CAST(if(side = 2, 2, 1), 'Enum8(\'debit\' = 1, \'credit\' = 2)') AS side,
    category,
    simpleJSONExtractString(call, 'model_version') AS model_version,
    fromUnixTimestamp64Micro(greatest(simpleJSONExtractInt(call, 'classified_us'), 0), 'UTC') AS classified_at,
    fromUnixTimestamp64Micro(greatest(if(version_us = 0, simpleJSONExtractInt(call, 'classified_us'), version_us), 0), 'UTC') AS version,
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
