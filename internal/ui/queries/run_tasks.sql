-- The tries of a run's tasks, in the order in which they began.
SELECT
    task,
    task_index,
    try,
    status,
    exit_code,
    rows_in,
    accepted,
    rejected,
    duplicates,
    predicted,
    dead_lettered,
    stored,
    started_at,
    duration_ms,
    trace_id,
    error,
    manifest
FROM task_runs FINAL
WHERE run_id = {run:String}
ORDER BY started_at, task, task_index, try
LIMIT 2000
