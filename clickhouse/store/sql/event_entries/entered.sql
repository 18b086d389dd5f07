-- How many rows a look entered.
-- Parameters: look, in microseconds since 1970.
-- Cost: the rows themselves, by the projection by_entry.
SELECT toInt64(count())
FROM event_entries
WHERE entered_at = {{event_entries/look.part}}
