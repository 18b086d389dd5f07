-- Deletes the entries of some events.
-- Texts: ids, each in quotes, with commas between them.
-- Cost: the parts with such rows are written again.
ALTER TABLE event_entries DELETE WHERE event_id IN ({{ids}})
