-- How many entries a run has of each outcome, by outcome.
-- Parameters: pipeline, run.
-- Cost: the granules of the run, by the primary key.
SELECT toString(outcome), count()
FROM outcomes FINAL
WHERE pipeline = {pipeline:String} AND run_id = {run:String}
GROUP BY outcome
ORDER BY outcome
