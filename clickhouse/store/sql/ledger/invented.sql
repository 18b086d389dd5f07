-- Rows of a run that transactions has and that its ledger does not call stored: the first ones by their places, each with
-- the number of all.
-- Parameters: pipeline, run, limit. Texts: parts, which parts of transactions are read.
-- Cost: the ledger of the run, and the run's rows in these parts.
SELECT t.id, t.origin, t.position, count() OVER ()
FROM
(
    SELECT id, origin, partition, position FROM transactions FINAL
    WHERE {{parts}} AND pipeline = {pipeline:String} AND run_id = {run:String}
) AS t
LEFT JOIN
(
    SELECT id, 1 AS there FROM outcomes FINAL
    WHERE pipeline = {pipeline:String} AND run_id = {run:String} AND outcome = 'stored'
) AS l ON t.id = l.id
WHERE l.there = 0
ORDER BY t.origin, t.partition, t.position
LIMIT {limit:UInt64}
