-- Deletes all entries.
-- Parameters: none.
-- Cost: the parts are dropped.
ALTER TABLE event_entries DELETE WHERE 1
