-- Generated from clickhouse/migrations; do not edit.
CREATE TABLE dead_letters
(
    `origin` LowCardinality(String),
    `origin_digest` LowCardinality(String),
    `partition` Int32,
    `position` UInt64,
    `pipeline` LowCardinality(String),
    `source` LowCardinality(String),
    `run_id` LowCardinality(String),
    `id` UUID COMMENT 'zero when the row has no readable id',
    `source_id` String,
    `content_hash` UInt64,
    `outcome` Enum8('rejected' = 2, 'dead_letter' = 4),
    `column` LowCardinality(String) COMMENT 'empty for the whole row',
    `code` LowCardinality(String),
    `message` String,
    `raw` String CODEC(ZSTD(3)),
    `state` Enum8('open' = 1, 'replayed' = 2, 'resolved' = 3, 'purged' = 4),
    `replays` UInt16,
    `attempt` UInt16,
    `model_version` LowCardinality(String),
    `trace_id` LowCardinality(String),
    `span_id` LowCardinality(String),
    `first_seen` DateTime64(6, 'UTC'),
    `updated_at` DateTime64(6, 'UTC'),
    `version` DateTime64(6, 'UTC') DEFAULT first_seen COMMENT 'how new the contents are',
    `traceparent` String COMMENT 'W3C, of the message; empty without one',
    `key` Nullable(String) DEFAULT source_id COMMENT 'of a message; NULL for none',
    `headers` Array(Tuple(
        name String,
        value Nullable(String))) COMMENT 'of a message, in their order' CODEC(ZSTD(3)),
    INDEX by_id id TYPE bloom_filter GRANULARITY 4,
    INDEX by_state state TYPE set(4) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY (origin, origin_digest, partition, position)
SETTINGS index_granularity = 8192;
