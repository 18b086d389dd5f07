-- Events by type, of the day before the last one came in: a page does not read all that is stored.
WITH (SELECT max(inserted_at) FROM events) AS last
SELECT
    toString(e.type) AS type,
    toString(e.context) AS context,
    count() AS events,
    toFloat64(avg(e.score)) AS average_score,
    countIf(e.score < 0.5) AS poor,
    countIf(e.late) AS late,
    max(e.timestamp_stamp) AS newest
FROM events AS e FINAL
WHERE inserted_at >= last - toIntervalDay(1)
GROUP BY e.type, e.context
ORDER BY events DESC, type, context
LIMIT 100
