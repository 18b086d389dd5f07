-- Notes in the ledger that the messages of an erasure are erased, of gold and of dead letters. Done again it adds nothing.
-- Parameters: erasure.
-- Cost: the events' entries in the ledger.
INSERT INTO outcomes
{{erasure/ledger_entry.part}}
FROM
(
    SELECT * FROM outcomes FINAL
    WHERE pipeline = 'events' AND outcome != 'erased'
        AND id IN (
            SELECT event_id FROM erased_messages WHERE erasure = {erasure:UUID} AND erased_from != 'events_bronze')
        AND (origin, log_id, partition, position) IN (
            SELECT origin, origin_digest, partition, position FROM erased_messages
            WHERE erasure = {erasure:UUID} AND erased_from != 'events_bronze')
)
