-- How many ids batch and stream agree on (no kind), and what not, with the first of each kind: of the ids that came in
-- since a time, and of those that did not agree at the last comparison.
-- Parameters: source; every (1: all sources together, with an empty source); baseline and since, in microseconds (since
-- 0: all ids); first, how many to name of a kind.
-- Cost: a granule of 256 states an id, or all states of the source; groups beyond memory go to the disk.
SELECT kind, count(), groupArraySortedIf({first:UInt64})((id, origin, position), kind != '')
FROM
(
    SELECT id, max(batch) AS b, max(stream) AS s, if(b.version > s.version, b, s) AS newest,
        newest.origin AS origin, newest.position AS position,
        multiIf(s.baseline < {baseline:UInt64}, 'only_batch', b.baseline < {baseline:UInt64}, 'only_stream',
            b.category != s.category, 'category_differs', '') AS kind
    FROM pipeline_states
    WHERE every_source = {every:UInt8} AND source = {source:String} AND ({since:Int64} = 0 OR id IN (
        SELECT id FROM outcomes
        WHERE {since:Int64} > 0 AND outcome = 'stored' AND pipeline IN ('batch', 'stream')
            AND (source = {source:String} OR {every:UInt8} = 1) AND recorded_at > fromUnixTimestamp64Micro({since:Int64}, 'UTC')
        UNION ALL
        SELECT arrayJoin(differing) FROM pipeline_comparisons FINAL
        WHERE {since:Int64} > 0 AND every_source = {every:UInt8} AND source = {source:String}))
    GROUP BY id
    HAVING greatest(b.baseline, s.baseline) >= {baseline:UInt64}
)
GROUP BY kind
ORDER BY kind
