-- How many rows of a run newer contents have replaced. FINAL is not needed: that one row with newer contents is there is
-- enough.
-- Parameters: pipeline, run.
-- Cost: the ledger of the run; of transactions the granules with newer rows of its ids, by the primary key and the index
-- by_version.
SELECT count()
FROM
(
    SELECT id, version FROM outcomes FINAL
    WHERE pipeline = {pipeline:String} AND run_id = {run:String} AND outcome = 'stored'
) AS l
INNER JOIN
(
    SELECT id, max(version) AS newest FROM transactions
    WHERE version > (
            SELECT min(version) FROM outcomes FINAL
            WHERE pipeline = {pipeline:String} AND run_id = {run:String} AND outcome = 'stored')
        AND id IN (
            SELECT id FROM outcomes FINAL
            WHERE pipeline = {pipeline:String} AND run_id = {run:String} AND outcome = 'stored')
    GROUP BY id
) AS t ON l.id = t.id
WHERE t.newest > l.version
