-- Generated from clickhouse/migrations; do not edit.
CREATE TABLE kafka_dead_letters
(
    `pipeline` Nullable(String),
    `run_id` Nullable(String),
    `source` Nullable(String),
    `origin` Nullable(String),
    `origin_digest` Nullable(String),
    `partition` Nullable(String),
    `position` Nullable(String),
    `id` Nullable(String),
    `source_id` Nullable(String),
    `content_hash` Nullable(String),
    `outcome` Nullable(String),
    `column` Nullable(String),
    `code` Nullable(String),
    `message` Nullable(String),
    `raw` Nullable(String),
    `attempt` Nullable(String),
    `model_version` Nullable(String),
    `trace_id` Nullable(String),
    `span_id` Nullable(String),
    `traceparent` Nullable(String),
    `replays` Nullable(String),
    `at` Nullable(String),
    `version_us` Nullable(String),
    `key` Nullable(String),
    `headers` Nullable(String)
)
ENGINE = Kafka(txflow_kafka)
SETTINGS kafka_topic_list = 'transactions.dlq', kafka_group_name = 'txflow-clickhouse-dead-letters', kafka_format = 'JSONEachRow', kafka_handle_error_mode = 'stream', kafka_flush_interval_ms = 500;
