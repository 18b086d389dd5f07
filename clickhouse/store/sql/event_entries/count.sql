-- How many rows event_entries has.
-- Parameters: none.
-- Cost: none to speak of.
SELECT count()
FROM event_entries
