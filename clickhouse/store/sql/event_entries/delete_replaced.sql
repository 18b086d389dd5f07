-- Deletes the entries of events that count no longer, since a look entered another of the event.
-- Parameters: look, in microseconds since 1970.
-- Cost: the parts with such rows are written again.
ALTER TABLE event_entries DELETE
WHERE event_id IN (SELECT event_id FROM event_entries WHERE entered_at = {{event_entries/look.part}})
    AND entered_at < {{event_entries/look.part}}
