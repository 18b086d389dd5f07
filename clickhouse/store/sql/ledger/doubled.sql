-- Ids that the ledger of a run calls stored more than once, each with its last place and the number of all such ids; the
-- first ones by that place.
-- Parameters: pipeline, run, limit.
-- Cost: the ledger of the run.
SELECT id, last.1, last.2, count() OVER ()
FROM
(
    SELECT id, max((origin, position)) AS last
    FROM outcomes FINAL
    WHERE pipeline = {pipeline:String} AND run_id = {run:String} AND outcome = 'stored'
    GROUP BY id
    HAVING count() > 1
)
ORDER BY last, id
LIMIT {limit:UInt64}
