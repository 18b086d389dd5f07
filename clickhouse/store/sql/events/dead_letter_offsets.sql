-- Offsets of a range of events.raw that have a dead letter, whatever its state; by offset.
-- Parameters: topic, partition, from, to (exclusive), log.
-- Cost: the granules of the range, by the primary key.
SELECT DISTINCT position
FROM dead_letters
WHERE origin = {topic:String} AND origin_digest = {log:String} AND partition = {partition:Int32}
    AND position >= {from:UInt64} AND position < {to:UInt64}
ORDER BY position
