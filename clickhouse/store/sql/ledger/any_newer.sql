-- Whether transactions has any row that is newer than the oldest one of a run: 1 or 0.
-- Parameters: pipeline, run.
-- Cost: the ledger of the run; of transactions the granules with newer rows until the first one, by the index by_version.
SELECT count()
FROM
(
    SELECT 1 FROM transactions
    WHERE version > (
        SELECT min(version) FROM outcomes FINAL
        WHERE pipeline = {pipeline:String} AND run_id = {run:String} AND outcome = 'stored')
    LIMIT 1
)
