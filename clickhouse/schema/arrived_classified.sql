-- Generated from clickhouse/migrations; do not edit.
CREATE TABLE arrived_classified
(
    `id` UUID,
    `source_id` String,
    `description` String,
    `amount` Decimal(18, 4),
    `timestamp` DateTime64(6, 'UTC'),
    `merchant` Nullable(String),
    `operation_type` String,
    `side` UInt8,
    `category` String,
    `position` UInt64,
    `content_hash` UInt64,
    `version_us` Int64,
    `call` LowCardinality(String),
    `column` LowCardinality(String) COMMENT 'that can not be read; empty where the problem is the whole message, or none',
    `problem` String COMMENT 'empty for a good message',
    `raw` String COMMENT 'a bad message: as it came, or what was read of it',
    `topic` LowCardinality(String),
    `partition` Int32,
    `offset` UInt64,
    `recorded_ms` Int64 COMMENT 'the record\'s timestamp'
)
ENGINE = `Null`;
