-- Generated from clickhouse/migrations; do not edit.
CREATE TABLE schema_migrations
(
    `set` LowCardinality(String),
    `number` UInt32,
    `name` String,
    `checksum` String,
    `applied_at` DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
ORDER BY (set, number)
SETTINGS index_granularity = 8192;
