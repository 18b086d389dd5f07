-- Classified transactions as they are in Kafka, as text: whatever a value is, it is read, and its view decides. What is no
-- JSON comes with its error and stops no other message. Where the brokers are is in the named collection. How long it polls and
-- rests is as in 0055.
CREATE TABLE IF NOT EXISTS kafka_classified
(
    id             Nullable(String),
    source_id      Nullable(String),
    description    Nullable(String),
    amount         Nullable(String),
    timestamp      Nullable(String),
    merchant       Nullable(String),
    operation_type Nullable(String),
    side           Nullable(String),
    category       Nullable(String),
    position       Nullable(String),
    content_hash   Nullable(String),
    version_us     Nullable(String),
    call           Nullable(String)
)
ENGINE = Kafka(txflow_kafka)
SETTINGS kafka_topic_list = 'transactions.classified', kafka_group_name = 'txflow-clickhouse-classified', kafka_format = 'JSONEachRow',
    kafka_handle_error_mode = 'stream', kafka_poll_timeout_ms = 200, kafka_flush_interval_ms = 150,
    kafka_consumer_reschedule_ms = 200, kafka_poll_max_batch_size = 65536, kafka_max_block_size = 65536;
