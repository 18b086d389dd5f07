-- How far roll-ups are behind: the time now, when events were last entered to be added up, how many events were stored after
-- that and are not entered, and when the first of those was stored. One row; microseconds since 1970, 0 for never. A row that
-- was stored again does not wait.
-- Parameters: most, how many events are looked at.
-- Cost: one column of event_entries, one of the granules of events that may have been stored after that, by the index
-- by_insertion, and the granules of event_entries that may hold those.
WITH
    (SELECT max(entered_at) FROM event_entries) AS entered,
    later AS
    (
        SELECT event_id, row_version, inserted_at
        FROM events
        WHERE inserted_at > entered
        ORDER BY inserted_at, event_id
        LIMIT {most:UInt64}
    )
SELECT
    toUnixTimestamp64Micro(now64(6)),
    toUnixTimestamp64Micro(entered),
    toInt64(uniqExact(event_id)),
    toUnixTimestamp64Micro(toDateTime64(min(inserted_at), 6, 'UTC'))
FROM later
LEFT JOIN
(
    SELECT event_id, max(row_version) AS had
    FROM event_entries
    WHERE event_id IN (SELECT event_id FROM later)
    GROUP BY event_id
) AS entries USING (event_id)
WHERE row_version > had
