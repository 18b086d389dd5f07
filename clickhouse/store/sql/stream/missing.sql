-- Rows of a range of offsets that the ledger calls stored and that transactions lacks, or has in an older version: the
-- first ones by offset, each with the number of all. A row that was delivered twice is there twice until a merge; the
-- newest counts, as in FINAL.
-- Parameters: group, topic, partition, from, to (exclusive), log, limit.
-- Cost: the granules of the range and of its ids, by the primary keys.
WITH l AS
(
    SELECT DISTINCT id, position, version, classified_at FROM outcomes
    WHERE pipeline = 'stream' AND run_id = {group:String} AND origin = {topic:String} AND partition = {partition:Int32}
        AND position >= {from:UInt64} AND position < {to:UInt64} AND log_id IN ({log:String}, '') AND outcome = 'stored'
)
SELECT l.id, {topic:String}, l.position, count() OVER ()
FROM l
LEFT JOIN
(
    SELECT id, max((version, classified_at)) AS newest FROM transactions
    WHERE id IN (SELECT id FROM l)
    GROUP BY id
) AS t ON l.id = t.id
WHERE t.newest < (l.version, l.classified_at)
ORDER BY l.position
LIMIT {limit:UInt64}
