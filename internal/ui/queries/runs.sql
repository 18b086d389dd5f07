-- Runs, the newest first, from a key on. One that says that it is running, and whose lease is over, is interrupted.
SELECT
    run_id,
    pipeline,
    source,
    if(status = 'running' AND ifNull(lease_until < now64(3), false), 'interrupted', status) AS status,
    files,
    rows_in,
    accepted,
    rejected,
    duplicates,
    dead_lettered,
    stored,
    error,
    trace_id,
    started_at,
    finished_at
FROM runs FINAL
WHERE (run_id = {run:String} OR {run:String} = '')
    AND (source = {source:String} OR {source:String} = '')
    AND (status = {status:String} OR {status:String} = '')
    AND ({before:String} = '' OR (started_at, run_id) < (fromUnixTimestamp64Milli(toInt64OrZero({before:String}), 'UTC'), {before_run:String}))
ORDER BY started_at DESC, run_id DESC
LIMIT {limit:UInt32}
