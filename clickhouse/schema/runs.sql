-- Generated from clickhouse/migrations; do not edit.
CREATE TABLE runs
(
    `run_id` String,
    `pipeline` LowCardinality(String),
    `source` String,
    `status` LowCardinality(String) COMMENT 'running, done or failed',
    `files` UInt32,
    `rows_in` UInt64,
    `accepted` UInt64,
    `rejected` UInt64,
    `duplicates` UInt64,
    `predicted` UInt64,
    `dead_lettered` UInt64,
    `stored` UInt64,
    `error` String,
    `trace_id` String,
    `started_at` DateTime64(3, 'UTC'),
    `finished_at` Nullable(DateTime64(3, 'UTC')),
    `updated_at` DateTime64(6, 'UTC') DEFAULT now64(6),
    `lease_until` Nullable(DateTime64(3, 'UTC'))
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY run_id
SETTINGS index_granularity = 8192;
