-- The dead letters that a query selects. A parameter that is empty, or 0 for at and after, selects all.
-- Parameters: pipeline, origin, code, source, state; id and source_id; since and until (first seen, in microseconds since
-- 1970); at (1), at_origin, at_partition, at_position; after (1), after_origin, after_digest, after_partition,
-- after_position: not as tuples, for which ClickHouse would read the whole table; replays: fewer than this.
dead_letters FINAL
WHERE ({pipeline:String} = '' OR pipeline = {pipeline:String})
    AND ({origin:String} = '' OR origin = {origin:String})
    AND ({code:String} = '' OR code = {code:String})
    AND ({source:String} = '' OR source = {source:String})
    AND ({state:String} = '' OR toString(state) = {state:String})
    AND ({id:String} = '' OR id = toUUIDOrZero({id:String}))
    AND ({source_id:String} = '' OR source_id = {source_id:String})
    AND ({since:String} = '' OR first_seen >= fromUnixTimestamp64Micro(toInt64OrZero({since:String}), 'UTC'))
    AND ({until:String} = '' OR first_seen < fromUnixTimestamp64Micro(toInt64OrZero({until:String}), 'UTC'))
    AND ({at:UInt8} = 0
        OR origin = {at_origin:String} AND partition = {at_partition:Int32} AND position = {at_position:UInt64})
    AND ({after:UInt8} = 0
        OR origin >= {after_origin:String} AND (origin > {after_origin:String}
            OR origin_digest >= {after_digest:String} AND (origin_digest > {after_digest:String}
                OR partition >= {after_partition:Int32} AND (partition > {after_partition:Int32}
                    OR position > {after_position:UInt64}))))
    AND ({replays:String} = '' OR replays < toUInt64OrZero({replays:String}))
