-- Generated from clickhouse/migrations; do not edit.
CREATE TABLE kafka_classified
(
    `id` UUID,
    `source_id` String,
    `description` String,
    `amount` Decimal(18, 4),
    `timestamp` DateTime64(6, 'UTC'),
    `merchant` Nullable(String),
    `operation_type` String,
    `side` String,
    `category` String,
    `position` UInt64,
    `content_hash` UInt64,
    `call` String
)
ENGINE = Kafka(txflow_kafka)
SETTINGS kafka_topic_list = 'transactions.classified', kafka_group_name = 'txflow-clickhouse-classified', kafka_format = 'JSONEachRow', kafka_handle_error_mode = 'stream', kafka_flush_interval_ms = 500, kafka_poll_max_batch_size = 65536, kafka_max_block_size = 65536;
