-- Rows of a range of offsets of which transactions has another category or content than the ledger, under the same
-- version: the first ones by offset, each with the number of all.
-- Parameters: group, topic, partition, from, to (exclusive), log, limit.
-- Cost: the granules of the range and of its ids, by the primary keys.
WITH l AS
(
    SELECT DISTINCT id, position, version, classified_at, category, content_hash FROM outcomes
    WHERE pipeline = 'stream' AND run_id = {group:String} AND origin = {topic:String} AND partition = {partition:Int32}
        AND position >= {from:UInt64} AND position < {to:UInt64} AND log_id IN ({log:String}, '') AND outcome = 'stored'
)
SELECT l.id, {topic:String}, l.position, count() OVER ()
FROM l
INNER JOIN
(
    SELECT id, max((version, classified_at)) AS newest,
        argMax((category, content_hash), (version, classified_at)) AS has
    FROM transactions
    WHERE id IN (SELECT id FROM l)
    GROUP BY id
) AS t ON l.id = t.id
WHERE t.newest = (l.version, l.classified_at) AND t.has != (l.category, l.content_hash)
ORDER BY l.position
LIMIT {limit:UInt64}
