-- What can not be read as a dead letter is one itself.
CREATE MATERIALIZED VIEW IF NOT EXISTS kafka_dead_letters_unreadable TO incoming_dead_letters AS
SELECT
    'stream' AS pipeline, 'clickhouse' AS run_id, '' AS source, _topic AS origin, '' AS origin_digest, CAST(_partition, 'Int32') AS partition,
    _offset AS position, toUUID('00000000-0000-0000-0000-000000000000') AS id, '' AS source_id, toUInt64(0) AS content_hash,
    'dead_letter' AS outcome, '' AS column, 'unreadable' AS code, _error AS message, _raw_message AS raw, toUInt16(0) AS attempt,
    '' AS model_version, '' AS trace_id, '' AS span_id, toUInt16(0) AS replays, toDateTime64(ifNull(_timestamp, toDateTime(0, 'UTC')), 6, 'UTC') AS at
FROM kafka_dead_letters
WHERE length(_error) > 0;
