-- How many ids of a run rows of other sources have as well, and up to four of these sources, by name. Without FINAL: a row
-- that the run has replaced is there until parts are merged.
-- Parameters: pipeline, run, source.
-- Cost: the ledger of the run, and the granules of its ids, by the primary key.
SELECT uniqExact(id), arraySort(groupUniqArray(4)(toString(source)))
FROM transactions
WHERE id IN (
        SELECT id FROM outcomes FINAL
        WHERE pipeline = {pipeline:String} AND run_id = {run:String} AND outcome = 'stored')
    AND source != {source:String}
