-- When dead letters were first seen that are stored, in no order.
-- Texts: keys, a condition that selects them by their keys.
-- Cost: the granules of the keys, by the primary key.
SELECT origin, origin_digest, partition, position, min(first_seen)
FROM dead_letters
WHERE {{keys}}
GROUP BY origin, origin_digest, partition, position
