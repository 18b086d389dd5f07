-- How many rows of events_bronze an erasure has still to delete.
-- Parameters: erasure.
-- Cost: the key's columns of the table.
SELECT count()
FROM events_bronze
WHERE {{erasure/events_bronze.part}}
