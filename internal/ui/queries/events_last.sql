-- Events that came in last. Few ids are sorted, however many came in at once; the first row of each counts.
WITH (SELECT max(inserted_at) FROM events) AS last
SELECT
    event_id AS id,
    toString(e.type) AS type,
    toString(e.context) AS context,
    toDecimalString(e.score, 2) AS score,
    e.new_context_account_id AS account,
    e.new_context_user_id AS user,
    e.timestamp_stamp AS at,
    e.late AS late,
    e.future AS future,
    e.inserted_at AS inserted_at
FROM events AS e FINAL
WHERE event_id IN (
    SELECT event_id FROM events
    WHERE inserted_at >= last - toIntervalMinute(10)
    ORDER BY inserted_at DESC, event_id
    LIMIT {limit:UInt32}
)
ORDER BY inserted_at DESC, id
LIMIT {limit:UInt32}
