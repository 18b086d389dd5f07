-- ClickHouse's clock, in microseconds since 1970, and a number that names the deletions from events so far; one row.
-- Parameters: none.
-- Cost: none to speak of.
SELECT toUnixTimestamp64Micro(now64(6)) AS now, sipHash64(arraySort(groupArray((mutation_id, is_done)))) AS deletions
FROM system.mutations
WHERE database = currentDatabase() AND table = 'events'
