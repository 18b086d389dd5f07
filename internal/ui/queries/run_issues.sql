-- A run's rejected rows and dead letters by reason. A row that a later run found again belongs to that one.
SELECT
    toString(outcome) AS outcome,
    code,
    column,
    count() AS rows,
    countIf(state = 'open') AS open
FROM dead_letters FINAL
WHERE pipeline = 'batch' AND run_id = {run:String}
GROUP BY outcome, code, column
ORDER BY rows DESC, code, column
LIMIT 200
