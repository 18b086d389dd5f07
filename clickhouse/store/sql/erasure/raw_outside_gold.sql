-- The messages of a range of offsets that no row of gold is from, in no order.
-- Parameters: origin, partition, from, to (inclusive).
-- Cost: the granules of the range, by the primary key, and those of its ids in events.
SELECT {{erasure/raw_message.part}}
FROM events_bronze
WHERE origin = {origin:String} AND partition = {partition:Int32} AND position BETWEEN {from:UInt64} AND {to:UInt64}
    AND (id, partition, position) NOT IN (
        SELECT event_id, partition, position FROM events
        WHERE event_id IN (
            SELECT id FROM events_bronze
            WHERE origin = {origin:String} AND partition = {partition:Int32}
                AND position BETWEEN {from:UInt64} AND {to:UInt64}))
