-- Events by account, type, context and the hour of the event itself, live and exact.
CREATE VIEW IF NOT EXISTS events_summary AS
SELECT
    new_context_account_id AS account_id,
    type,
    context,
    fromUnixTimestamp64Micro(toUnixTimestamp64Micro(timestamp_stamp) - positiveModulo(toUnixTimestamp64Micro(timestamp_stamp), 3600000000), 'UTC') AS hour,
    count() AS events,
    uniqExact(new_context_user_id) AS users,
    avg(score) AS average_score,
    countIf(e.late) AS late,
    max(published_at) AS last_published_at
FROM events AS e FINAL
GROUP BY account_id, type, context, hour
ORDER BY account_id, type, context, hour;
