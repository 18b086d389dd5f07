-- The last runs, the newest first. One that says that it is running, and whose lease is over, is interrupted.
-- Parameters: limit.
-- Cost: all runs.
SELECT run_id, pipeline, source,
    if(status = 'running' AND ifNull(lease_until < now64(3), false), 'interrupted', status), files, rows_in, accepted,
    rejected, duplicates, predicted, dead_lettered, stored, error, trace_id, started_at, finished_at
FROM runs FINAL
ORDER BY started_at DESC, run_id DESC
LIMIT {limit:UInt32}
