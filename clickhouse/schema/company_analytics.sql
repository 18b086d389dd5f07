-- Generated from clickhouse/migrations; do not edit.
CREATE VIEW company_analytics
(
    `account_id` String,
    `events` UInt64,
    `users` UInt64,
    `types` UInt64,
    `contexts` Array(String),
    `first_event_at` DateTime64(6, 'UTC'),
    `last_event_at` DateTime64(6, 'UTC'),
    `average_score` Float64,
    `excellent` UInt64,
    `good` UInt64,
    `fair` UInt64,
    `poor` UInt64,
    `late` UInt64,
    `future` UInt64
)
AS SELECT
    new_context_account_id AS account_id,
    count() AS events,
    uniqExact(new_context_user_id) AS users,
    uniqExact(e.type) AS types,
    arraySort(groupUniqArray(e.context)) AS contexts,
    min(timestamp_stamp) AS first_event_at,
    max(timestamp_stamp) AS last_event_at,
    avg(score) AS average_score,
    countIf(score >= 0.9) AS excellent,
    countIf((score >= 0.7) AND (score < 0.9)) AS good,
    countIf((score >= 0.5) AND (score < 0.7)) AS fair,
    countIf(score < 0.5) AS poor,
    countIf(e.late) AS late,
    countIf(e.future) AS future
FROM events AS e
FINAL
GROUP BY account_id
ORDER BY account_id ASC;
