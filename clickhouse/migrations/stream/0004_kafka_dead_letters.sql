-- Dead letters as they stand in Kafka; raw is Base64, since a message may be anything.
CREATE TABLE IF NOT EXISTS kafka_dead_letters
(
    pipeline      String,
    run_id        String,
    source        String,
    origin        String,
    partition     Int32,
    position      UInt64,
    id            UUID,
    source_id     String,
    content_hash  UInt64,
    outcome       String,
    column        String,
    code          String,
    message       String,
    raw           String,
    attempt       UInt16,
    model_version String,
    trace_id      String,
    span_id       String,
    replays       UInt16,
    at            DateTime64(6, 'UTC')
)
ENGINE = Kafka(txflow_kafka)
SETTINGS kafka_topic_list = 'transactions.dlq', kafka_group_name = 'txflow-clickhouse-dead-letters', kafka_format = 'JSONEachRow',
    kafka_handle_error_mode = 'stream', kafka_flush_interval_ms = 500;
