-- How many runs started in the last day, by status. One that says that it is running, and whose lease is over, is interrupted.
SELECT
    if(status = 'running' AND ifNull(lease_until < now64(3), false), 'interrupted', status) AS state,
    count() AS runs
FROM runs FINAL
WHERE started_at > now64(3) - toIntervalDay({days:UInt16})
GROUP BY state
ORDER BY state
