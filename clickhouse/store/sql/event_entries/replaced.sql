-- How many events have a row that a look entered, and another.
-- Parameters: look, in microseconds since 1970.
-- Cost: the granules of the look's ids, by the primary key.
SELECT count()
FROM
(
    SELECT event_id
    FROM event_entries
    WHERE event_id IN (SELECT event_id FROM event_entries WHERE entered_at = {{event_entries/look.part}})
    GROUP BY event_id
    HAVING count() > 1
)
