-- What waits to be mended, by reason.
CREATE VIEW IF NOT EXISTS open_dead_letters AS
SELECT pipeline, source, code, column, count() AS rows, min(first_seen) AS oldest
FROM dead_letters FINAL
WHERE state = 'open'
GROUP BY pipeline, source, code, column
ORDER BY rows DESC;
