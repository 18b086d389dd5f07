-- The ledger's entries of a range of events.raw, by offset. Several that were delivered are one where they are the same; the
-- last column counts the different ones. One that is erased is nothing else.
-- Parameters: topic, partition, from, to (exclusive), log.
-- Cost: the granules of the range, by the primary key.
SELECT position, any(id), any(content_hash), if(countIf(outcome = 'erased') > 0, 'erased', toString(any(outcome))),
    any(code), if(countIf(outcome = 'erased') > 0, toUInt64(1), uniqExact((id, content_hash, outcome, code)))
FROM outcomes
WHERE pipeline = 'events' AND origin = {topic:String} AND partition = {partition:Int32}
    AND position >= {from:UInt64} AND position < {to:UInt64} AND log_id = {log:String}
GROUP BY position
ORDER BY position
