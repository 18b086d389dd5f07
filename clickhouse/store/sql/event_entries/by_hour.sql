-- The roll-ups by account, type, context and hour, in no order: as event_entries has them now.
-- Parameters: all (1: every roll-up; 0: those of which the look entered a row); look, in microseconds since 1970.
-- Cost: the sums that the projection by_hour keeps, of the keys that are asked for.
SELECT account, toString(type), toString(context), hour, {{event_entries/sums.part}}
FROM event_entries
WHERE {all:UInt8} = 1
    OR (account, type, context, hour) IN (SELECT DISTINCT account, type, context, hour FROM event_entries WHERE entered_at = {{event_entries/look.part}})
GROUP BY account, type, context, hour
SETTINGS max_bytes_before_external_group_by = 268435456
