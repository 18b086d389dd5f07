-- How often the ledger calls an event erased, how often it is noted so, and the name of its sender's token; one row.
-- Parameters: id.
-- Cost: the granules that may hold the id, by the index by_id; of erased_events by the primary key.
SELECT
    count(),
    (SELECT count() FROM erased_events WHERE event_id = {id:UUID}),
    (SELECT any(token) FROM erased_events WHERE event_id = {id:UUID})
FROM outcomes
WHERE id = {id:UUID} AND pipeline = 'events' AND outcome = 'erased'
