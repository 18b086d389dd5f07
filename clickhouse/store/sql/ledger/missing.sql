-- Rows that the ledger of a run calls stored and that transactions lacks, or has in an older version: the first ones by
-- their places, each with the number of all.
-- Parameters: pipeline, run, limit. Texts: parts, which parts of transactions are read.
-- Cost: the ledger of the run, and ids and versions of these parts.
SELECT l.id, l.origin, l.position, count() OVER ()
FROM
(
    SELECT id, origin, partition, position, version, classified_at FROM outcomes FINAL
    WHERE pipeline = {pipeline:String} AND run_id = {run:String} AND outcome = 'stored'
) AS l
LEFT JOIN (SELECT id, version, classified_at FROM transactions FINAL WHERE {{parts}}) AS t ON l.id = t.id
WHERE (t.version, t.classified_at) < (l.version, l.classified_at)
ORDER BY l.origin, l.partition, l.position
LIMIT {limit:UInt64}
