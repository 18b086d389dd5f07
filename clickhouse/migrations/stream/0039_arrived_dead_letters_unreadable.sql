-- What can not be read as a dead letter is one itself, of the pipeline whose topic it is in, unless it is erased.
ALTER TABLE arrived_dead_letters_unreadable MODIFY QUERY
SELECT
    if(topic = 'events.dead.letter', 'events', 'stream') AS pipeline, 'clickhouse' AS run_id, topic AS origin, toString(recorded_ms) AS origin_digest,
    log_partition AS partition, log_offset AS position, 'dead_letter' AS outcome, bad AS column, 'unreadable' AS code, problem AS message, whole AS raw,
    fromUnixTimestamp64Micro(recorded_ms * 1000, 'UTC') AS at
FROM arrived_dead_letters
WHERE problem != ''
    AND (topic, toString(recorded_ms), log_partition, log_offset) NOT IN (SELECT origin, origin_digest, partition, position FROM erased_messages);
