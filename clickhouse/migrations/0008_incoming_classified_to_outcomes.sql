-- The ledger entry of every row that is stored.
CREATE MATERIALIZED VIEW IF NOT EXISTS incoming_classified_to_outcomes TO outcomes AS
SELECT
    simpleJSONExtractString(call, 'pipeline') AS pipeline,
    simpleJSONExtractString(call, 'run_id') AS run_id,
    simpleJSONExtractString(call, 'origin') AS origin,
    CAST(simpleJSONExtractInt(call, 'partition'), 'Int32') AS partition,
    position,
    simpleJSONExtractString(call, 'source') AS source,
    simpleJSONExtractString(call, 'origin_digest') AS origin_digest,
    id, content_hash,
    CAST('stored', 'Enum8(\'stored\' = 1, \'rejected\' = 2, \'duplicate\' = 3, \'dead_letter\' = 4)') AS outcome,
    '' AS code, category,
    simpleJSONExtractString(call, 'model_version') AS model_version,
    fromUnixTimestamp64Micro(simpleJSONExtractInt(call, 'classified_us'), 'UTC') AS version,
    '' AS first_origin, toUInt64(0) AS first_position
FROM incoming_classified;
