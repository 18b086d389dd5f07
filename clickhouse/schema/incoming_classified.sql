-- Generated from clickhouse/migrations; do not edit.
CREATE TABLE incoming_classified
(
    `id` UUID,
    `source_id` String,
    `description` String,
    `amount_e4` Int64 COMMENT 'ten-thousandths: exact',
    `timestamp_us` Int64 COMMENT 'microseconds since 1970',
    `merchant` String,
    `merchant_null` UInt8,
    `operation_type` String,
    `side` UInt8,
    `category` String,
    `position` UInt64,
    `content_hash` UInt64,
    `call` LowCardinality(String) COMMENT 'compact JSON: pipeline, run_id, task_try, source, origin, origin_digest, partition, chunk, origin_trace_id, model_version, classified_us, attempt, trace_id, span_id, sampled',
    `version_us` Int64 COMMENT 'microseconds since 1970: how new the contents are; 0: as new as the classification',
    `amount` Decimal(18, 4) DEFAULT reinterpret(amount_e4, 'Decimal(18, 4)'),
    `timestamp` DateTime64(6, 'UTC') DEFAULT fromUnixTimestamp64Micro(timestamp_us, 'UTC')
)
ENGINE = `Null`;
