-- The ledger's entries of a range of offsets, by offset. Those of older releases name no log; where an offset has one that
-- does, it counts. Several that were delivered are one where they are the same; the last column counts the different ones.
-- Parameters: group, topic, partition, from, to (exclusive), log.
-- Cost: the granules of the range, by the primary key.
SELECT position, any(id), any(content_hash), toString(any(outcome)), any(code), any(source),
    uniqExact((id, content_hash, outcome, code, category, version, classified_at))
FROM outcomes
WHERE pipeline = 'stream' AND run_id = {group:String} AND origin = {topic:String} AND partition = {partition:Int32}
    AND position >= {from:UInt64} AND position < {to:UInt64} AND log_id IN ({log:String}, '')
GROUP BY position, log_id
ORDER BY position, log_id DESC
LIMIT 1 BY position
