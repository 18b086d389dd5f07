-- Dead letters of the stream come in as those of files do.
CREATE MATERIALIZED VIEW IF NOT EXISTS arrived_dead_letters_to_incoming TO incoming_dead_letters AS
SELECT
    pipeline, run_id, source, origin, origin_digest, partition, position, id, source_id, content_hash, outcome, column, code, message, raw,
    attempt, model_version, trace_id, span_id, traceparent, replays, at, version_us
FROM arrived_dead_letters
WHERE problem = '';
