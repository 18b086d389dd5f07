-- The open dead letters of events whose id is in gold; by their places, with the sizes of their messages. An id_conflict,
-- whose id was there all along, is not one.
-- Parameters: source (empty: all), limit.
-- Cost: the open dead letters, and the ids of events.
SELECT origin, origin_digest, partition, position, {{dead_letters/message_size.part}}
FROM dead_letters FINAL
WHERE state = 'open' AND pipeline = 'events' AND code != 'id_conflict'
    AND ({source:String} = '' OR source = {source:String})
    AND id != toUUID('00000000-0000-0000-0000-000000000000') AND id IN (SELECT event_id FROM events)
ORDER BY origin, origin_digest, partition, position
LIMIT {limit:UInt64}
