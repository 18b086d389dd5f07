-- Generated from clickhouse/migrations; do not edit.
CREATE TABLE arrived_dead_letters
(
    `pipeline` String,
    `run_id` String,
    `source` String,
    `origin` String,
    `origin_digest` String,
    `partition` Int32,
    `position` UInt64,
    `id` UUID,
    `source_id` String,
    `content_hash` UInt64,
    `outcome` String,
    `column` String,
    `code` String,
    `message` String,
    `raw` String,
    `attempt` UInt16,
    `model_version` String,
    `trace_id` String,
    `span_id` String,
    `traceparent` String,
    `replays` UInt16,
    `at` DateTime64(6, 'UTC'),
    `version_us` Int64,
    `bad` LowCardinality(String) COMMENT 'the column that can not be read; empty where the problem is the whole message, or none',
    `problem` String COMMENT 'empty for a good message',
    `whole` String COMMENT 'a bad message: as it came, or what was read of it',
    `topic` LowCardinality(String),
    `log_partition` Int32,
    `log_offset` UInt64,
    `recorded_ms` Int64 COMMENT 'the record\'s timestamp',
    `key` Nullable(String) COMMENT 'NULL for none',
    `headers` Array(Tuple(
        name String,
        value Nullable(String)))
)
ENGINE = `Null`;
