-- Generated from clickhouse/migrations; do not edit.
CREATE VIEW open_dead_letters
(
    `pipeline` LowCardinality(String),
    `source` LowCardinality(String),
    `code` LowCardinality(String),
    `column` LowCardinality(String),
    `rows` UInt64,
    `oldest` DateTime64(6, 'UTC')
)
AS SELECT
    pipeline,
    source,
    code,
    column,
    count() AS rows,
    min(first_seen) AS oldest
FROM dead_letters
FINAL
WHERE state = 'open'
GROUP BY
    pipeline,
    source,
    code,
    column
ORDER BY rows DESC;
