-- Enters the rows of events that event_entries lacks.
-- Parameters: look, in microseconds since 1970; every (1: event_entries is empty).
-- Cost: all of both tables; groups beyond memory go to the disk.
INSERT INTO event_entries ({{event_entries/columns.part}}, entered_at)
SELECT {{event_entries/columns.part}}, {{event_entries/look.part}}
FROM
(
    SELECT event_id, new_context_account_id AS account, type, context, timestamp_stamp AS at,
        {{event_entries/hour.part}}, reinterpretAsUInt128(sipHash128(new_context_user_id)) AS user, score, late, future,
        row_version, origin, origin_digest, partition, position
    FROM events FINAL
)
WHERE {every:UInt8} = 1 OR event_id IN (SELECT event_id FROM ({{event_entries/difference.part}} > 0))
SETTINGS max_bytes_before_external_group_by = 268435456
