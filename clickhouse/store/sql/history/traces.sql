-- The traces that a run and the tries of its tasks were in, the oldest first; empty for what was in none.
-- Parameters: run.
-- Cost: the granules of the run, by the primary keys.
SELECT trace_id
FROM
(
    SELECT trace_id, started_at FROM runs FINAL WHERE run_id = {run:String}
    UNION ALL
    SELECT trace_id, started_at FROM task_runs FINAL WHERE run_id = {run:String}
)
GROUP BY trace_id
ORDER BY min(started_at), trace_id
