-- Entries of the ledger as they came in. A message that was delivered twice counts twice until ClickHouse merges the two.
SELECT
    toDateTime(intDiv(toUnixTimestamp(recorded_at), {bucket:UInt32}) * {bucket:UInt32}, 'UTC') AS at,
    countIf(pipeline = 'batch') AS batch,
    countIf(pipeline = 'stream') AS stream
FROM outcomes
WHERE recorded_at >= fromUnixTimestamp64Second({from:Int64}, 'UTC')
GROUP BY at
ORDER BY at
LIMIT 200
