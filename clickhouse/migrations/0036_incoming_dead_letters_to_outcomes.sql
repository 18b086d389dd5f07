-- The ledger entry of every row that could not be stored, by the log it was read from.
ALTER TABLE incoming_dead_letters_to_outcomes MODIFY QUERY
SELECT
    pipeline, run_id, origin, partition, position, if(pipeline = 'batch', '', origin_digest) AS log_id, source, origin_digest, id, content_hash,
    CAST(if(outcome = 'rejected', 2, 4), 'Enum8(\'stored\' = 1, \'rejected\' = 2, \'duplicate\' = 3, \'dead_letter\' = 4)') AS outcome,
    code, '' AS category, model_version, toDateTime64(0, 6, 'UTC') AS version, toDateTime64(0, 6, 'UTC') AS classified_at, '' AS first_origin, toUInt64(0) AS first_position
FROM incoming_dead_letters;
