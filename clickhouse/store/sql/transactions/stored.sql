-- The current state of ids, in no order. The ids are one text: as a list of literals they take the server three times as
-- long to parse. Of each the greatest row_version is taken instead of reading with FINAL, which reads all columns of all
-- rows around the ids.
-- Texts: ids, with commas between them.
-- Cost: the granules of the ids, by the primary key.
SELECT id, last.1, last.2, last.3, toUnixTimestamp64Micro(last.4), last.5
FROM
(
    SELECT id, argMax((category, model_version, content_hash, version, classified_at), row_version) AS last
    FROM transactions
    WHERE id IN (SELECT toUUID(arrayJoin(splitByChar(',', '{{ids}}'))))
    GROUP BY id
)
