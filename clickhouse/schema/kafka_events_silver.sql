-- Generated from clickhouse/migrations; do not edit.
CREATE TABLE kafka_events_silver
(
    `value` String
)
ENGINE = Kafka(txflow_kafka)
SETTINGS kafka_topic_list = 'events.silver', kafka_group_name = 'txflow-clickhouse-events-silver', kafka_format = 'RawBLOB', kafka_handle_error_mode = 'stream', kafka_poll_timeout_ms = 200, kafka_flush_interval_ms = 150, kafka_consumer_reschedule_ms = 200, kafka_poll_max_batch_size = 65536, kafka_max_block_size = 65536;
