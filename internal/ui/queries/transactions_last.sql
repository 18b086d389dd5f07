-- Ids that came in last: transactions_by_id has their rows. Few rows are sorted and grouped, however many came in at once; an id
-- that came again and again among them counts once.
WITH (SELECT max(inserted_at) FROM transactions WHERE pipeline = {pipeline:String} OR {pipeline:String} = '') AS last
SELECT
    id,
    max(came_at) AS at
FROM
(
    SELECT
        id,
        inserted_at AS came_at
    FROM transactions
    WHERE inserted_at >= last - toIntervalMinute(10) AND (pipeline = {pipeline:String} OR {pipeline:String} = '')
    ORDER BY came_at DESC, id
    LIMIT 8 * {limit:UInt32}
)
GROUP BY id
ORDER BY at DESC, id
LIMIT {limit:UInt32}
