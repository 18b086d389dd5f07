-- The row of an event in gold, with numbers that JSON cannot hold as texts; at most one.
-- Parameters: id.
-- Cost: the granule of the id, by the primary key.
SELECT * EXCEPT (data) REPLACE (toString(content_hash) AS content_hash, toDecimalString(score, 4) AS score)
FROM events FINAL
WHERE event_id = {id:UUID}
