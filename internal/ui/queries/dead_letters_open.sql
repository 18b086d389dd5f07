-- Open dead letters by reason.
SELECT
    pipeline,
    source,
    code,
    column,
    rows,
    oldest
FROM open_dead_letters
ORDER BY rows DESC, pipeline, source, code, column
LIMIT 200
