-- Generated from clickhouse/migrations; do not edit.
CREATE VIEW events_summary
(
    `account_id` String,
    `type` LowCardinality(String),
    `context` LowCardinality(String),
    `hour` DateTime64(6, 'UTC'),
    `events` UInt64,
    `users` UInt64,
    `average_score` Float64,
    `late` UInt64,
    `last_published_at` DateTime64(6, 'UTC')
)
AS SELECT
    new_context_account_id AS account_id,
    type,
    context,
    fromUnixTimestamp64Micro(toUnixTimestamp64Micro(timestamp_stamp) - positiveModulo(toUnixTimestamp64Micro(timestamp_stamp), 3600000000), 'UTC') AS hour,
    count() AS events,
    uniqExact(new_context_user_id) AS users,
    avg(score) AS average_score,
    countIf(e.late) AS late,
    max(published_at) AS last_published_at
FROM events AS e
FINAL
GROUP BY
    account_id,
    type,
    context,
    hour
ORDER BY
    account_id ASC,
    type ASC,
    context ASC,
    hour ASC;
