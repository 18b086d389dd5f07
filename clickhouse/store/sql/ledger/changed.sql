-- Rows that a run stored and of which transactions has another category or content under the same version: the first
-- ones by their places, each with the number of all.
-- Parameters: pipeline, run, limit. Texts: parts, which parts of transactions are read.
-- Cost: the ledger of the run, and ids, versions and contents of these parts.
SELECT l.id, l.origin, l.position, count() OVER ()
FROM
(
    SELECT id, origin, partition, position, version, classified_at, category, content_hash FROM outcomes FINAL
    WHERE pipeline = {pipeline:String} AND run_id = {run:String} AND outcome = 'stored'
) AS l
INNER JOIN
(
    SELECT id, version, classified_at, category, content_hash FROM transactions FINAL WHERE {{parts}}
) AS t ON l.id = t.id
WHERE (t.version, t.classified_at) = (l.version, l.classified_at)
    AND (t.category != l.category OR t.content_hash != l.content_hash)
ORDER BY l.origin, l.partition, l.position
LIMIT {limit:UInt64}
