-- What became of the rows of each run.
CREATE VIEW IF NOT EXISTS run_outcomes AS
SELECT pipeline, run_id, outcome, code, count() AS rows
FROM outcomes FINAL
GROUP BY pipeline, run_id, outcome, code
ORDER BY pipeline, run_id, outcome, code;
