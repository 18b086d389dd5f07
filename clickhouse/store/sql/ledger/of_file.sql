-- The entries of a run for one file, or one partition of a topic, by position.
-- Parameters: pipeline, run, origin, partition.
-- Cost: the granules of the file, by the primary key.
SELECT position, id, content_hash, toString(outcome)
FROM outcomes FINAL
WHERE pipeline = {pipeline:String} AND run_id = {run:String} AND origin = {origin:String} AND partition = {partition:Int32}
ORDER BY position
