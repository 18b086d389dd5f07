-- The ledger entry of every row that is stored, with the version of its contents. The log of a file's rows is empty, as in
-- every entry of before: its digest is no part of their key.
ALTER TABLE incoming_classified_to_outcomes MODIFY QUERY
SELECT
    simpleJSONExtractString(call, 'pipeline') AS pipeline,
    simpleJSONExtractString(call, 'run_id') AS run_id,
    simpleJSONExtractString(call, 'origin') AS origin,
    CAST(simpleJSONExtractInt(call, 'partition'), 'Int32') AS partition,
    position,
    if(simpleJSONExtractString(call, 'pipeline') = 'batch', '', simpleJSONExtractString(call, 'origin_digest')) AS log_id,
    simpleJSONExtractString(call, 'source') AS source,
    simpleJSONExtractString(call, 'origin_digest') AS origin_digest,
    id, content_hash,
    CAST('stored', 'Enum8(\'stored\' = 1, \'rejected\' = 2, \'duplicate\' = 3, \'dead_letter\' = 4)') AS outcome,
    '' AS code, category,
    simpleJSONExtractString(call, 'model_version') AS model_version,
    fromUnixTimestamp64Micro(greatest(if(version_us = 0, simpleJSONExtractInt(call, 'classified_us'), version_us), 0), 'UTC') AS version,
    fromUnixTimestamp64Micro(greatest(simpleJSONExtractInt(call, 'classified_us'), 0), 'UTC') AS classified_at,
    '' AS first_origin, toUInt64(0) AS first_position
FROM incoming_classified;
