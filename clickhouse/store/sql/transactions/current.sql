-- The current row of an id, with numbers that JSON cannot hold as texts; at most one.
-- Parameters: id.
-- Cost: the granule of the id, by the primary key.
SELECT * EXCEPT (id) REPLACE (toDecimalString(amount, 4) AS amount, toString(content_hash) AS content_hash)
FROM transactions FINAL
WHERE id = {id:UUID}
