-- Keeps the state of an erasure. It is later than the last one of the same person, whoever's clock that is from.
-- Parameters: hash, scope, key, at and requested in microseconds since 1970, erasure, state.
INSERT INTO tombstones (hash, scope, key_id, at, erasure, state, requested_at, updated_at)
SELECT {hash:String}, {scope:String}, {key:String}, fromUnixTimestamp64Micro({at:Int64}, 'UTC'), {erasure:UUID},
    {state:String}, fromUnixTimestamp64Micro({requested:Int64}, 'UTC'),
    greatest(now64(6, 'UTC'),
        (SELECT max(updated_at) FROM tombstones WHERE hash = {hash:String}) + toIntervalMicrosecond(1))
