-- Dead letters with an id, the last changed first.
-- Parameters: id.
-- Cost: the granules that may hold the id, by the index by_id.
SELECT origin, partition, position, run_id, toString(outcome) AS outcome, column, code, message,
    toString(state) AS state, updated_at
FROM dead_letters FINAL
WHERE id = {id:UUID}
ORDER BY updated_at DESC, origin, origin_digest, partition, position
LIMIT 100
