-- Generated from clickhouse/migrations; do not edit.
CREATE VIEW run_outcomes
(
    `pipeline` LowCardinality(String),
    `run_id` LowCardinality(String),
    `outcome` Enum8('stored' = 1, 'rejected' = 2, 'duplicate' = 3, 'dead_letter' = 4, 'erased' = 5),
    `code` LowCardinality(String),
    `rows` UInt64
)
AS SELECT
    pipeline,
    run_id,
    outcome,
    code,
    count() AS rows
FROM outcomes
FINAL
GROUP BY
    pipeline,
    run_id,
    outcome,
    code
ORDER BY
    pipeline ASC,
    run_id ASC,
    outcome ASC,
    code ASC;
