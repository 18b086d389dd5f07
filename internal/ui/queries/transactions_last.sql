-- Ids that came in last: transactions_by_id has their rows.
WITH (SELECT max(inserted_at) FROM transactions WHERE pipeline = {pipeline:String} OR {pipeline:String} = '') AS last
SELECT
    id,
    max(inserted_at) AS at
FROM transactions
WHERE inserted_at >= last - toIntervalMinute(10) AND (pipeline = {pipeline:String} OR {pipeline:String} = '')
GROUP BY id
ORDER BY at DESC, id
LIMIT {limit:UInt32}
