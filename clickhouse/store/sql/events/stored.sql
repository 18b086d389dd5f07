-- Ids that are in gold, each with the message of events.raw that it is from; in no order.
-- Texts: ids, with commas between them.
-- Cost: the granules of the ids, by the primary key.
SELECT event_id, last.1, last.2, last.3
FROM
(
    SELECT event_id, argMax((partition, position, content_hash), row_version) AS last
    FROM events
    WHERE event_id IN (SELECT toUUID(arrayJoin(splitByChar(',', '{{ids}}'))))
    GROUP BY event_id
)
