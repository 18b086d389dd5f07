-- Events that came in last. Few ids are sorted, however many came in at once; of an id the row that gold has counts.
WITH (SELECT max(inserted_at) FROM events) AS last
SELECT * FROM
(
    SELECT
        event_id AS id,
        toString(e.type) AS type,
        toString(e.context) AS context,
        toDecimalString(e.score, 2) AS score,
        e.new_context_account_id AS account,
        e.new_context_user_id AS user,
        toUnixTimestamp64Micro(e.timestamp_stamp) AS at_us,
        e.late AS late,
        e.future AS future,
        e.inserted_at AS inserted_at
    FROM events AS e
    WHERE event_id IN (
        SELECT event_id FROM events
        WHERE inserted_at >= last - toIntervalMinute(10)
        ORDER BY inserted_at DESC, event_id
        LIMIT {limit:UInt32}
    )
    ORDER BY event_id, e.row_version DESC
    LIMIT 1 BY event_id
)
ORDER BY inserted_at DESC, id
LIMIT {limit:UInt32}
