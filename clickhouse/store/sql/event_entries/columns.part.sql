-- The columns of event_entries, but for the look that entered a row.
event_id, account, type, context, hour, at, user, score, late, future, row_version, origin, origin_digest, partition, position
