-- The first and the last offset of each partition that events_bronze has, by topic and partition.
-- Cost: the key's columns of all messages.
SELECT origin, partition, min(position), max(position)
FROM events_bronze
GROUP BY origin, partition
ORDER BY origin, partition
