-- Notes in the ledger that the events of an erasure are erased. Done again it adds nothing.
-- Parameters: erasure.
-- Cost: the events' entries in the ledger.
INSERT INTO outcomes
{{erasure/ledger_entry.part}}
FROM
(
    SELECT * FROM outcomes FINAL
    WHERE pipeline = 'events' AND outcome = 'stored'
        AND id IN (SELECT event_id FROM erased_events WHERE erasure = {erasure:UUID})
)
