-- Adds what was recorded in the ledger since a time to the states of pipelines, an id a row.
-- Parameters: source; every (1: all sources together, with an empty source); baseline and since, in microseconds.
-- Cost: the granules of the ledger that hold entries since then; groups beyond memory go to the disk.
INSERT INTO pipeline_states (every_source, source, id, batch, stream)
SELECT {every:UInt8}, {source:String}, id, maxIf(state, pipeline = 'batch'), maxIf(state, pipeline = 'stream')
FROM
(
    SELECT id, pipeline, CAST(
        ({baseline:UInt64},
        bitOr(bitShiftLeft(toUInt128(greatest(toUnixTimestamp64Micro(version), 0)), 64), toUInt128(greatest(toUnixTimestamp64Micro(classified_at), 0))),
        toUnixTimestamp64Micro(recorded_at), category, origin, position),
        'Tuple(baseline UInt64, version UInt128, recorded_us Int64, category String, origin String, position UInt64)') AS state
    FROM outcomes
    WHERE outcome = 'stored' AND pipeline IN ('batch', 'stream') AND (source = {source:String} OR {every:UInt8} = 1)
        AND recorded_at > fromUnixTimestamp64Micro({since:Int64}, 'UTC')
)
GROUP BY id
