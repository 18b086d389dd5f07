-- The ledger entry of every row that is stored.
CREATE MATERIALIZED VIEW IF NOT EXISTS incoming_classified_to_outcomes TO outcomes AS
SELECT
    pipeline, run_id, origin, partition, position, source, origin_digest, id, content_hash,
    CAST('stored', 'Enum8(\'stored\' = 1, \'rejected\' = 2, \'duplicate\' = 3, \'dead_letter\' = 4)') AS outcome,
    '' AS code, category, model_version, fromUnixTimestamp64Micro(classified_us, 'UTC') AS version, '' AS first_origin, toUInt64(0) AS first_position
FROM incoming_classified;
