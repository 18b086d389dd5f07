-- A run's rejected rows and dead letters in the order of their places, from a key on. The row itself only where it is asked for.
SELECT
    origin,
    origin_digest,
    partition,
    position,
    toString(outcome) AS outcome,
    column,
    code,
    message,
    source_id,
    toString(state) AS state,
    length(raw) AS raw_bytes,
    if({raw:UInt8} = 1, substring(raw, 1, 16384), '') AS raw_text,
    first_seen
FROM dead_letters FINAL
WHERE pipeline = 'batch' AND run_id = {run:String}
    AND (code = {code:String} OR {code:String} = '')
    AND ({after:UInt8} = 0
        OR origin >= {origin:String} AND (origin > {origin:String}
            OR origin_digest >= {digest:String} AND (origin_digest > {digest:String}
                OR partition >= {partition:Int32} AND (partition > {partition:Int32} OR position > {position:UInt64}))))
ORDER BY origin, origin_digest, partition, position
LIMIT {limit:UInt32}
