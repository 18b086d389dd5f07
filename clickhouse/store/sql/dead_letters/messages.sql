-- The messages of dead letters with their keys and headers, in no order.
-- Texts: keys, a condition that selects them by their keys.
-- Cost: the granules of the keys, by the primary key.
SELECT origin, origin_digest, partition, position, raw, key, headers.name, headers.value
FROM dead_letters FINAL
WHERE {{keys}}
