-- Generated from clickhouse/migrations; do not edit.
CREATE TABLE task_runs
(
    `run_id` String,
    `task` LowCardinality(String),
    `task_index` Int32 COMMENT 'of a mapped task; -1 otherwise',
    `try` UInt16,
    `status` LowCardinality(String),
    `exit_code` UInt8,
    `rows_in` UInt64,
    `accepted` UInt64,
    `rejected` UInt64,
    `duplicates` UInt64,
    `predicted` UInt64,
    `dead_lettered` UInt64,
    `stored` UInt64,
    `started_at` DateTime64(3, 'UTC'),
    `duration_ms` UInt64,
    `trace_id` String,
    `error` String,
    `manifest` String CODEC(ZSTD(3)),
    `updated_at` DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY (run_id, task, task_index, try)
SETTINGS index_granularity = 8192;
