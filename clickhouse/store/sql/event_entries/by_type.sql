-- The roll-ups by type and context, in no order: as event_entries has them now.
-- Parameters: all (1: every roll-up; 0: those of which the look entered a row); look, in microseconds since 1970.
-- Cost: the sums that the projection by_type keeps, of the keys that are asked for.
SELECT '', toString(type), toString(context), toInt64(0), {{event_entries/sums.part}}
FROM event_entries
WHERE {all:UInt8} = 1
    OR (type, context) IN (SELECT DISTINCT type, context FROM event_entries WHERE entered_at = {{event_entries/look.part}})
GROUP BY type, context
SETTINGS max_bytes_before_external_group_by = 268435456
