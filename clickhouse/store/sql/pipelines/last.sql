-- Where the last comparison of batch and stream ended: the server's time, the baseline (0: none was made yet), and the
-- time until which entries were compared; all in microseconds since 1970.
-- Parameters: source; every (1: all sources together, with an empty source).
-- Cost: the row of each source that was ever compared.
SELECT toUnixTimestamp64Micro(now64(6)) AS now, max(baseline), max(toUnixTimestamp64Micro(until))
FROM pipeline_comparisons FINAL
WHERE every_source = {every:UInt8} AND source = {source:String}
