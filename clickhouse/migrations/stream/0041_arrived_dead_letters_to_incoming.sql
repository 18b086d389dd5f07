-- Dead letters of the stream come in as those of files do, unless they are erased.
ALTER TABLE arrived_dead_letters_to_incoming MODIFY QUERY
SELECT
    pipeline, run_id, source, origin, origin_digest, partition, position, id, source_id, content_hash, outcome, column, code, message, raw,
    attempt, model_version, trace_id, span_id, traceparent, replays, at, version_us, key, headers
FROM arrived_dead_letters
WHERE problem = '' AND (origin, origin_digest, partition, position) NOT IN (SELECT origin, origin_digest, partition, position FROM erased_messages);
