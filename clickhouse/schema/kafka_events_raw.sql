-- Generated from clickhouse/migrations; do not edit.
CREATE TABLE kafka_events_raw
(
    `value` String
)
ENGINE = Kafka(txflow_kafka)
SETTINGS kafka_topic_list = 'events.raw', kafka_group_name = 'txflow-clickhouse-events-raw', kafka_format = 'RawBLOB', kafka_handle_error_mode = 'stream', kafka_flush_interval_ms = 500, kafka_poll_max_batch_size = 65536, kafka_max_block_size = 65536;
