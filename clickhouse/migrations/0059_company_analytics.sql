-- What an account did, and how good its events are, live and exact.
CREATE VIEW IF NOT EXISTS company_analytics AS
SELECT
    new_context_account_id AS account_id,
    count() AS events,
    uniqExact(new_context_user_id) AS users,
    uniqExact(e.type) AS types,
    arraySort(groupUniqArray(e.context)) AS contexts,
    min(timestamp_stamp) AS first_event_at,
    max(timestamp_stamp) AS last_event_at,
    avg(score) AS average_score,
    countIf(score >= 0.9) AS excellent,
    countIf(score >= 0.7 AND score < 0.9) AS good,
    countIf(score >= 0.5 AND score < 0.7) AS fair,
    countIf(score < 0.5) AS poor,
    countIf(e.late) AS late,
    countIf(e.future) AS future
FROM events AS e FINAL
GROUP BY account_id
ORDER BY account_id;
