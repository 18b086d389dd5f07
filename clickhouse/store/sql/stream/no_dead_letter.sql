-- Offsets of a range that the ledger calls rejected or a dead letter and that dead_letters lacks: the first ones by
-- offset, each with the number of all.
-- Parameters: group, topic, partition, from, to (exclusive), log, limit.
-- Cost: the granules of the range in both tables, by the primary keys.
SELECT l.id, {topic:String}, l.position, count() OVER ()
FROM
(
    SELECT DISTINCT id, position, log_id FROM outcomes
    WHERE pipeline = 'stream' AND run_id = {group:String} AND origin = {topic:String} AND partition = {partition:Int32}
        AND position >= {from:UInt64} AND position < {to:UInt64} AND log_id IN ({log:String}, '')
        AND outcome IN ('rejected', 'dead_letter')
) AS l
LEFT JOIN
(
    SELECT DISTINCT origin_digest, position, 1 AS there FROM dead_letters
    WHERE origin = {topic:String} AND origin_digest IN ({log:String}, '') AND partition = {partition:Int32}
        AND position >= {from:UInt64} AND position < {to:UInt64}
) AS d ON l.position = d.position AND l.log_id = d.origin_digest
WHERE d.there = 0
ORDER BY l.position
LIMIT {limit:UInt64}
