-- The ledger entry of every row that could not be stored.
CREATE MATERIALIZED VIEW IF NOT EXISTS incoming_dead_letters_to_outcomes TO outcomes AS
SELECT
    pipeline, run_id, origin, partition, position, source, origin_digest, id, content_hash,
    CAST(outcome, 'Enum8(\'stored\' = 1, \'rejected\' = 2, \'duplicate\' = 3, \'dead_letter\' = 4)') AS outcome,
    code, '' AS category, model_version, toDateTime64(0, 6, 'UTC') AS version, '' AS first_origin, toUInt64(0) AS first_position
FROM incoming_dead_letters;
