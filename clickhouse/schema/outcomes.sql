-- Generated from clickhouse/migrations; do not edit.
CREATE TABLE outcomes
(
    `pipeline` LowCardinality(String),
    `run_id` LowCardinality(String),
    `origin` LowCardinality(String),
    `partition` Int32,
    `position` UInt64 CODEC(Delta(8), ZSTD(1)),
    `log_id` LowCardinality(String) COMMENT 'CLUSTER_ID/TOPIC_ID of a topic; empty for files',
    `source` LowCardinality(String),
    `origin_digest` LowCardinality(String),
    `id` UUID COMMENT 'zero when the row has none',
    `content_hash` UInt64,
    `outcome` Enum8('stored' = 1, 'rejected' = 2, 'duplicate' = 3, 'dead_letter' = 4, 'erased' = 5),
    `code` LowCardinality(String),
    `category` LowCardinality(String),
    `model_version` LowCardinality(String),
    `version` DateTime64(6, 'UTC') COMMENT 'how new the contents are; zero for what is not stored',
    `classified_at` DateTime64(6, 'UTC') DEFAULT version COMMENT 'zero for what is not stored',
    `first_origin` LowCardinality(String) COMMENT 'of a duplicate: where the first row stands',
    `first_position` UInt64,
    `recorded_at` DateTime64(6, 'UTC') DEFAULT now64(6),
    INDEX by_id id TYPE bloom_filter GRANULARITY 4,
    INDEX by_recording recorded_at TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(recorded_at)
PARTITION BY toYYYYMM(recorded_at)
PRIMARY KEY (pipeline, run_id, origin, partition, position)
ORDER BY (pipeline, run_id, origin, partition, position, log_id)
SETTINGS merge_selector_base = 12, index_granularity = 8192;
