-- As other_sources, of a sample of the ids: sources that use the same UUIDs share most of them, so that it shows there.
-- Parameters: pipeline, run, source.
-- Cost: the ledger of the run, and 256 granules by the primary key, however large the table is.
SELECT uniqExact(id), arraySort(groupUniqArray(4)(toString(source)))
FROM transactions
WHERE id IN (
        SELECT id FROM outcomes FINAL
        WHERE pipeline = {pipeline:String} AND run_id = {run:String} AND outcome = 'stored'
        ORDER BY cityHash64(id)
        LIMIT 256)
    AND source != {source:String}
