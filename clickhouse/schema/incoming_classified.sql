-- Generated from clickhouse/migrations; do not edit.
CREATE TABLE incoming_classified
(
    `id` UUID,
    `source` String,
    `source_id` String,
    `description` String,
    `amount_e4` Int64 COMMENT 'ten-thousandths: exact',
    `timestamp_us` Int64 COMMENT 'microseconds since 1970',
    `merchant` String,
    `merchant_null` UInt8,
    `operation_type` String,
    `side` UInt8,
    `category` String,
    `model_version` String,
    `classified_us` Int64 COMMENT 'microseconds since 1970',
    `pipeline` String,
    `run_id` String,
    `task_try` UInt16,
    `origin` String,
    `origin_digest` String,
    `partition` Int32,
    `position` UInt64,
    `chunk` String,
    `content_hash` UInt64,
    `attempt` UInt16,
    `trace_id` String,
    `span_id` String,
    `sampled` UInt8,
    `origin_trace_id` String
)
ENGINE = `Null`;
