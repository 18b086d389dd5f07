-- Refined events as they are in Kafka, byte for byte. ClickHouse waits for messages during a whole poll, 500 ms unless it is set,
-- whatever the flush interval is, and reads nothing while it inserts: of 5,000 events a second more and more came in meanwhile,
-- so that a round took 2.2 s. With polls of 200 ms it takes 1.3 s. After a poll without messages it rests, for 500 ms unless that
-- is set; refine commits every 100 to 200 ms. Each round costs about 0.1 s of processor time however few events it has, so polls
-- are no shorter.
CREATE TABLE IF NOT EXISTS kafka_events_silver
(
    value String
)
ENGINE = Kafka(txflow_kafka)
SETTINGS kafka_topic_list = 'events.silver', kafka_group_name = 'txflow-clickhouse-events-silver', kafka_format = 'RawBLOB',
    kafka_handle_error_mode = 'stream', kafka_poll_timeout_ms = 200, kafka_flush_interval_ms = 150,
    kafka_consumer_reschedule_ms = 200, kafka_poll_max_batch_size = 65536, kafka_max_block_size = 65536;
