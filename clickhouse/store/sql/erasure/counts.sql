-- How many events, messages of events_bronze and dead letters an erasure has taken out, in whatever run; one row.
-- Parameters: erasure.
-- Cost: the granules of the erasure, by the index by_erasure.
SELECT
    (SELECT uniqExact(event_id) FROM erased_events WHERE erasure = {erasure:UUID})
        + (SELECT uniqExact(event_id) FROM erased_messages WHERE erasure = {erasure:UUID} AND erased_from = 'events'),
    (
        SELECT uniqExact(origin, origin_digest, partition, position) FROM erased_messages
        WHERE erasure = {erasure:UUID} AND erased_from = 'events_bronze'
    ),
    (
        SELECT uniqExact(origin, origin_digest, partition, position) FROM erased_messages
        WHERE erasure = {erasure:UUID} AND erased_from = 'dead_letters'
    )
