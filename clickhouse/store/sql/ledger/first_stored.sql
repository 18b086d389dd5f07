-- The id of the first row that a batch run stored, in the order of the places; none where it stored none.
-- Parameters: run.
-- Cost: the granules of the run until the first one that is stored, by the primary key.
SELECT id
FROM outcomes
WHERE pipeline = 'batch' AND run_id = {run:String} AND outcome = 'stored'
ORDER BY origin, partition, position
LIMIT 1
