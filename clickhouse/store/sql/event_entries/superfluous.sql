-- Events of which event_entries has a row that events has not, or not any more: their ids, in no order; one row.
-- Parameters: limit.
-- Cost: all of both tables; groups beyond memory go to the disk.
SELECT groupArray(toString(event_id))
FROM
(
    SELECT DISTINCT event_id FROM ({{event_entries/difference.part}} < 0) LIMIT {limit:UInt64}
)
SETTINGS max_bytes_before_external_group_by = 268435456
