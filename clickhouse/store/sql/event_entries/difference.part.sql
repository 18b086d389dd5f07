-- Rows that events and event_entries do not have equally often: sides is above 0 where event_entries lacks one, and below
-- where it has one too many.
SELECT event_id, sum(side) AS sides
FROM
(
    SELECT event_id, row_version, 1 AS side FROM events FINAL
    UNION ALL
    SELECT event_id, row_version, -1 AS side FROM event_entries
)
GROUP BY event_id, row_version
HAVING sides
