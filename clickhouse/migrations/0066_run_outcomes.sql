-- What became of the rows of each run, also of those that are erased.
CREATE OR REPLACE VIEW run_outcomes AS
SELECT pipeline, run_id, outcome, code, count() AS rows
FROM outcomes FINAL
GROUP BY pipeline, run_id, outcome, code
ORDER BY pipeline, run_id, outcome, code;
