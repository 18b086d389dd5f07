-- Whether a run's ledger and transactions agree: as many rows, and the same two independent sums over their contents. Then
-- nothing is missing, changed, invented or doubled, and the joins can be spared. They differ too, rightly, once a later
-- run has replaced some of the rows.
-- Parameters: pipeline, run. Texts: parts, which parts of transactions are read.
-- Cost: the ledger of the run, and of transactions the run's rows in these parts.
SELECT l.rows = t.rows AND l.sum = t.sum AND l.bits = t.bits
FROM
(
    SELECT count() AS rows, sum(cityHash64(id, version, classified_at, category, content_hash)) AS sum,
        groupBitXor(sipHash64(id, version, classified_at, category, content_hash)) AS bits
    FROM outcomes FINAL
    WHERE pipeline = {pipeline:String} AND run_id = {run:String} AND outcome = 'stored'
) AS l,
(
    SELECT count() AS rows, sum(cityHash64(id, version, classified_at, category, content_hash)) AS sum,
        groupBitXor(sipHash64(id, version, classified_at, category, content_hash)) AS bits
    FROM transactions FINAL
    WHERE {{parts}} AND pipeline = {pipeline:String} AND run_id = {run:String}
) AS t
