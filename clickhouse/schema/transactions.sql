-- Generated from clickhouse/migrations; do not edit.
CREATE TABLE transactions
(
    `id` UUID,
    `source` LowCardinality(String),
    `source_id` String CODEC(ZSTD(1)),
    `description` String CODEC(ZSTD(1)),
    `amount` Decimal(18, 4),
    `timestamp` DateTime64(6, 'UTC'),
    `merchant` LowCardinality(Nullable(String)),
    `operation_type` LowCardinality(String),
    `side` Enum8('debit' = 1, 'credit' = 2),
    `category` LowCardinality(String),
    `model_version` LowCardinality(String),
    `classified_at` DateTime64(6, 'UTC'),
    `version` DateTime64(6, 'UTC') DEFAULT classified_at COMMENT 'how new the contents are',
    `pipeline` LowCardinality(String),
    `run_id` LowCardinality(String),
    `task_try` UInt16,
    `origin` LowCardinality(String) COMMENT 'URL of the file, or topic',
    `origin_digest` LowCardinality(String) COMMENT 'SHA-256 of the file, or CLUSTER_ID/TOPIC_ID',
    `partition` Int32,
    `position` UInt64 COMMENT 'line in the file from 1, or offset',
    `chunk` LowCardinality(String),
    `content_hash` UInt64,
    `attempt` UInt16 COMMENT 'of the ML call',
    `trace_id` LowCardinality(String) COMMENT 'of the ML call',
    `span_id` LowCardinality(String),
    `sampled` Bool,
    `origin_trace_id` LowCardinality(String) COMMENT 'that the row came in by',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3),
    `row_version` UInt128 MATERIALIZED bitOr(bitShiftLeft(toUInt128(greatest(toUnixTimestamp64Micro(version), 0)), 64), toUInt128(greatest(toUnixTimestamp64Micro(classified_at), 0))) COMMENT '(version, classified_at) as one number' CODEC(ZSTD(1)),
    INDEX by_insertion inserted_at TYPE minmax GRANULARITY 1,
    INDEX by_version version TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(row_version)
PARTITION BY toYear(timestamp)
ORDER BY id
SETTINGS merge_selector_base = 12, index_granularity = 8192;
