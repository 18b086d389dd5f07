-- How far roll-ups are behind: the time now, when events were last entered to be added up, how many events were stored after
-- that and are not entered, and when the first of those was stored. One row; microseconds since 1970, 0 for never. A row that
-- was stored again does not wait. Only some rows are looked at, in the order in which they were stored: then how many, and the
-- last of them, after which the next look begins (milliseconds since 1970, event id, version of the row).
-- Parameters: most, how many rows are looked at; after_ms, after_id and after_version, of the last look; 0 for the first.
-- Cost: one column of event_entries, one of the granules of events that may have been stored after that, by the index
-- by_insertion, and the granules of event_entries that may hold those.
WITH
    (SELECT max(entered_at) FROM event_entries) AS entered,
    fromUnixTimestamp64Milli({after_ms:Int64}, 'UTC') AS after,
    later AS
    (
        SELECT event_id, row_version, inserted_at
        FROM events
        WHERE inserted_at > entered AND inserted_at >= after
            AND (inserted_at, event_id, row_version) > (after, {after_id:UUID}, {after_version:UInt256})
        ORDER BY inserted_at, event_id, row_version
        LIMIT {most:UInt64}
    )
SELECT
    toUnixTimestamp64Micro(now64(6)),
    toUnixTimestamp64Micro(entered),
    toInt64(uniqExactIf(event_id, row_version > had)),
    toUnixTimestamp64Micro(toDateTime64(minIf(inserted_at, row_version > had), 6, 'UTC')),
    toInt64(count()),
    toUnixTimestamp64Milli(max((inserted_at, event_id, row_version)).1),
    toString(max((inserted_at, event_id, row_version)).2),
    toString(max((inserted_at, event_id, row_version)).3)
FROM later
LEFT JOIN
(
    SELECT event_id, max(row_version) AS had
    FROM event_entries
    WHERE event_id IN (SELECT event_id FROM later)
    GROUP BY event_id
) AS entries USING (event_id)
