-- As differ over all ids, without what the states of pipelines hold: for a user who may only read.
-- Parameters: source; every (1: all sources together, with an empty source); first, how many to name of a kind.
-- Cost: the whole ledger of the source, once; groups beyond memory go to the disk.
SELECT kind, count(), groupArraySortedIf({first:UInt64})((id, origin, position), kind != '')
FROM
(
    SELECT id, any(last_origin) AS origin, any(last_position) AS position,
        multiIf(min(last_category) != max(last_category), 'category_differs', count() > 1, '',
            any(pipeline) = 'batch', 'only_batch', 'only_stream') AS kind
    FROM
    (
        SELECT id, pipeline, argMax((category, origin, position), (version, classified_at)) AS last,
            last.1 AS last_category, last.2 AS last_origin, last.3 AS last_position
        FROM outcomes FINAL
        WHERE outcome = 'stored' AND pipeline IN ('batch', 'stream') AND (source = {source:String} OR {every:UInt8} = 1)
        GROUP BY id, pipeline
    )
    GROUP BY id
)
GROUP BY kind
ORDER BY kind
