-- The tries of a run's tasks, in the order in which they began.
-- Parameters: run.
-- Cost: the granules of the run, by the primary key.
SELECT task, task_index, try, status, rows_in, started_at, duration_ms, trace_id
FROM task_runs FINAL
WHERE run_id = {run:String}
ORDER BY started_at, task, task_index, try
