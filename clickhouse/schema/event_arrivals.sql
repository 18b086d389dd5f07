-- Generated from clickhouse/migrations; do not edit.
CREATE TABLE event_arrivals
(
    `arrived_at` DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta(8), ZSTD(1)),
    `event_id` UUID,
    `account` String,
    `type` LowCardinality(String),
    `context` LowCardinality(String),
    `at` DateTime64(6, 'UTC') COMMENT 'the event\'s own time',
    `user` UInt128 COMMENT 'hash of the user',
    `score` Decimal(9, 4),
    `late` Bool,
    `future` Bool,
    `row_version` UInt256 COMMENT 'of the row in events',
    `origin` LowCardinality(String),
    `origin_digest` LowCardinality(String),
    `partition` Int32,
    `position` UInt64
)
ENGINE = MergeTree
PARTITION BY toYYYYMMDD(arrived_at)
ORDER BY arrived_at
TTL toDateTime(arrived_at) + toIntervalDay(3)
SETTINGS ttl_only_drop_parts = 1, index_granularity = 1024, merge_selector_base = 12;
