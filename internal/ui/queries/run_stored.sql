-- What the ledger calls stored of a run, in the order of the places, from a key on: not as tuples, for which ClickHouse would read the whole run. It is the order of the table.
SELECT
    origin,
    partition,
    position,
    id,
    category,
    model_version
FROM outcomes
WHERE pipeline = {pipeline:String} AND run_id = {run:String} AND outcome = 'stored'
    AND ({after:UInt8} = 0
        OR origin >= {origin:String} AND (origin > {origin:String}
            OR partition >= {partition:Int32} AND (partition > {partition:Int32} OR position > {position:UInt64})))
ORDER BY pipeline, run_id, origin, partition, position
LIMIT 1 BY origin, partition, position
LIMIT {limit:UInt32}
