-- How many rows of events an erasure has still to delete.
-- Parameters: erasure. {{table}} is events, or a table of its rows that has the columns an erasure goes by.
-- Cost: the key's columns of the table.
SELECT count()
FROM {{table}}
WHERE {{erasure/events.part}}
