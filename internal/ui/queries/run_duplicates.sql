-- A run's duplicates with the place of the first row, in the order of their places, from a key on: not as tuples, for which ClickHouse would read the whole run.
SELECT
    origin,
    partition,
    position,
    id,
    first_origin,
    first_position
FROM outcomes
WHERE pipeline = 'batch' AND run_id = {run:String} AND outcome = 'duplicate'
    AND ({after:UInt8} = 0
        OR origin >= {origin:String} AND (origin > {origin:String}
            OR partition >= {partition:Int32} AND (partition > {partition:Int32} OR position > {position:UInt64})))
ORDER BY origin, partition, position, recorded_at DESC
LIMIT 1 BY origin, partition, position
LIMIT {limit:UInt32}
