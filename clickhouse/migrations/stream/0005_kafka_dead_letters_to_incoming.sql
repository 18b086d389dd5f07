-- Dead letters of the stream come in as those of files do.
CREATE MATERIALIZED VIEW IF NOT EXISTS kafka_dead_letters_to_incoming TO incoming_dead_letters AS
SELECT
    pipeline, run_id, source, origin, '' AS origin_digest, partition, position, id, source_id, content_hash, outcome, column, code, message,
    tryBase64Decode(raw) AS raw, attempt, model_version, trace_id, span_id, replays, at
FROM kafka_dead_letters
WHERE length(_error) = 0;
