-- The last events that came in, by type. Few rows are sorted and grouped, however many there are; one that came again counts once.
WITH (SELECT max(inserted_at) FROM events) AS last
SELECT
    toString(type) AS type,
    toString(context) AS context,
    count() AS events,
    toFloat64(avg(score)) AS average_score,
    countIf(score < 0.5) AS poor,
    countIf(late) AS late,
    toUnixTimestamp64Micro(max(timestamp_stamp)) AS newest_us
FROM
(
    SELECT * FROM
    (
        SELECT event_id, type, context, score, late, timestamp_stamp
        FROM events
        WHERE inserted_at >= last - toIntervalMinute(10)
        ORDER BY inserted_at DESC, event_id
        LIMIT 10000
    )
    LIMIT 1 BY event_id
)
GROUP BY type, context
ORDER BY events DESC, type, context
LIMIT 100
