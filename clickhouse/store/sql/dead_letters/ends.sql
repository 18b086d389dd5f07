-- The last position of each origin, digest and partition among the dead letters that are selected, in this order.
-- Parameters: those of selected.
-- Cost: the granules of the origin, by the primary key; without one, of all dead letters.
SELECT origin, origin_digest, partition, max(position)
FROM {{dead_letters/selected.part}}
GROUP BY origin, origin_digest, partition
ORDER BY origin, origin_digest, partition
