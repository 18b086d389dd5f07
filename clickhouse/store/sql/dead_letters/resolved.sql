-- The open dead letters of a source whose id is stored with newer contents, or with equally new ones that were classified
-- later; by their places, with the sizes of their messages. The run that a file's dead letter is from does not count,
-- since its row may be about another row with the same id. For the same reason an id_conflict, whose id was stored all
-- along, counts as stored only where its own contents were.
-- Parameters: source, limit.
-- Cost: the open dead letters, and the granules of their ids in transactions, by the primary key.
SELECT origin, origin_digest, partition, position, bytes
FROM
(
    SELECT origin, origin_digest, partition, position, id, run_id, pipeline, code, content_hash, version, updated_at,
        {{dead_letters/message_size.part}} AS bytes
    FROM {{dead_letters/open_with_id.part}}
) AS open
INNER JOIN
(
    SELECT id, last.1 AS stored_by, last.2 AS stored_content, last.3 AS stored_version, last.4 AS classified_at
    FROM
    (
        SELECT id, argMax((run_id, content_hash, version, classified_at), row_version) AS last
        FROM transactions
        WHERE id IN (SELECT id FROM {{dead_letters/open_with_id.part}})
        GROUP BY id
    )
) AS stored USING id
WHERE (stored_version, classified_at) > (version, updated_at) AND (stored_by != run_id OR pipeline = 'stream')
    AND (code != 'id_conflict' OR stored_content = content_hash)
ORDER BY origin, origin_digest, partition, position
LIMIT {limit:UInt64}
