-- The messages that have one of some ids; in no order.
-- Texts: ids, with commas between them.
-- Cost: the granules that may hold the ids, by the index by_id.
SELECT {{erasure/raw_message.part}}
FROM events_bronze
WHERE id IN (SELECT toUUID(arrayJoin(splitByChar(',', '{{ids}}'))))
