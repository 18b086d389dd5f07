-- How many rows of events an erasure has still to delete.
-- Parameters: erasure.
-- Cost: the key's columns of the table.
SELECT count()
FROM events
WHERE {{erasure/events.part}}
