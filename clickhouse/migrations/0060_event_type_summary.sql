-- How often each type of event comes, and how good its events are, live and exact.
CREATE VIEW IF NOT EXISTS event_type_summary AS
SELECT
    type,
    context,
    count() AS events,
    uniqExact(new_context_account_id) AS accounts,
    uniqExact(new_context_user_id) AS users,
    min(timestamp_stamp) AS first_event_at,
    max(timestamp_stamp) AS last_event_at,
    avg(score) AS average_score,
    countIf(score >= 0.9) AS excellent,
    countIf(score >= 0.7 AND score < 0.9) AS good,
    countIf(score >= 0.5 AND score < 0.7) AS fair,
    countIf(score < 0.5) AS poor
FROM events AS e FINAL
GROUP BY type, context
ORDER BY type, context;
