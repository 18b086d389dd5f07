-- Messages that are erased from a table, by their place in Kafka, or in what was sent to the collector. Kafka may deliver them
-- again: they are not stored again.
CREATE TABLE IF NOT EXISTS erased_messages
(
    origin        LowCardinality(String) COMMENT 'topic, or collect',
    origin_digest String COMMENT 'as dead_letters has it; of events_bronze the record''s timestamp in milliseconds since 1970',
    partition     Int32,
    position      UInt64,
    erased_from   LowCardinality(String) COMMENT 'table',
    event_id      UUID COMMENT 'zero where none is known',
    erasure       UUID,
    erased_at     DateTime64(6, 'UTC') DEFAULT now64(6),
    INDEX by_erasure erasure TYPE bloom_filter GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (origin, origin_digest, partition, position, erased_from, erasure);
