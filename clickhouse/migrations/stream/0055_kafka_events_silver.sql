-- Refined events as they are in Kafka, byte for byte. ClickHouse waits for messages during a whole poll, 500 ms unless it is set,
-- whatever the flush interval is. While it inserts it reads nothing: of 5,000 events a second more and more came in meanwhile,
-- and a round took 2.2 s, with polls of 150 ms it takes 1 s. The interval is shorter than a poll, so that there is one in a
-- round: after a poll without messages ClickHouse rests for 500 ms. Refine commits every 100 to 150 ms.
CREATE TABLE IF NOT EXISTS kafka_events_silver
(
    value String
)
ENGINE = Kafka(txflow_kafka)
SETTINGS kafka_topic_list = 'events.silver', kafka_group_name = 'txflow-clickhouse-events-silver', kafka_format = 'RawBLOB',
    kafka_handle_error_mode = 'stream', kafka_poll_timeout_ms = 150, kafka_flush_interval_ms = 100,
    kafka_poll_max_batch_size = 65536, kafka_max_block_size = 65536;
