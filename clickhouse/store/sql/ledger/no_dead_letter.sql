-- Rows that the ledger of a run calls rejected or a dead letter and that dead_letters lacks: the first ones by their
-- places, each with the number of all.
-- Parameters: pipeline, run, limit.
-- Cost: the ledger of the run, and the dead letters of its files.
WITH l AS
(
    SELECT id, origin, origin_digest, partition, position FROM outcomes FINAL
    WHERE pipeline = {pipeline:String} AND run_id = {run:String} AND outcome IN ('rejected', 'dead_letter')
)
SELECT l.id, l.origin, l.position, count() OVER ()
FROM l
LEFT JOIN
(
    SELECT origin, origin_digest, partition, position, 1 AS there FROM dead_letters FINAL
    WHERE (origin, origin_digest) IN (SELECT origin, origin_digest FROM l)
) AS d
ON l.origin = d.origin AND l.origin_digest = d.origin_digest AND l.partition = d.partition AND l.position = d.position
WHERE d.there = 0
ORDER BY l.origin, l.partition, l.position
LIMIT {limit:UInt64}
