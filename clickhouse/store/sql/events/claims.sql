-- The messages of ids that the ledger calls stored, or erased, in a log; in no order. Of one that is erased the hash is 0.
-- Parameters: log. Texts: ids, with commas between them.
-- Cost: the granules of events that may hold the ids, by the index by_id.
SELECT DISTINCT id, partition, position, content_hash
FROM outcomes
WHERE pipeline = 'events' AND outcome IN ('stored', 'erased') AND log_id = {log:String}
    AND id IN (SELECT toUUID(arrayJoin(splitByChar(',', '{{ids}}'))))
