-- Enters the rows that came into events since a time, where they count more than what is entered; none that is erased.
-- Parameters: look and since, in microseconds since 1970; verify (1: one that is not in events any more is left out).
-- Cost: what came in, by the primary key, and the granules of its ids.
INSERT INTO event_entries ({{event_entries/columns.part}}, entered_at)
WITH arrived AS
(
    SELECT *, {{event_entries/hour.part}}
    FROM event_arrivals
    WHERE arrived_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
        AND (event_id, row_version) NOT IN
        (
            SELECT event_id, row_version
            FROM event_entries
            WHERE entered_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
        )
)
SELECT {{event_entries/columns.part}}, {{event_entries/look.part}}
FROM
(
    SELECT *
    FROM arrived
    WHERE event_id NOT IN
        (
            SELECT event_id FROM erased_events WHERE event_id IN (SELECT event_id FROM arrived)
        )
        AND
        (
            {verify:UInt8} = 0
            OR (event_id, row_version) IN
            (
                SELECT event_id, row_version FROM events WHERE event_id IN (SELECT event_id FROM arrived)
            )
        )
    ORDER BY row_version DESC
    LIMIT 1 BY event_id
) AS a
LEFT JOIN
(
    SELECT event_id, max(row_version) AS entered
    FROM event_entries
    WHERE event_id IN (SELECT event_id FROM arrived)
    GROUP BY event_id
) AS e USING (event_id)
WHERE row_version > entered
