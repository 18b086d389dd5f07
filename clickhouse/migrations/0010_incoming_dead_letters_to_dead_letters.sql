-- A dead letter starts open. Delivered again it has the same time, so it does not undo what happened to it since.
CREATE MATERIALIZED VIEW IF NOT EXISTS incoming_dead_letters_to_dead_letters TO dead_letters AS
SELECT
    origin, origin_digest, partition, position, pipeline, source, run_id, id, source_id, content_hash,
    CAST(outcome, 'Enum8(\'rejected\' = 2, \'dead_letter\' = 4)') AS outcome,
    column, code, message, raw,
    CAST('open', 'Enum8(\'open\' = 1, \'replayed\' = 2, \'resolved\' = 3, \'purged\' = 4)') AS state,
    replays, attempt, model_version, trace_id, span_id, at AS first_seen, at AS updated_at
FROM incoming_dead_letters;
