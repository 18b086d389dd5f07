-- Business events, one row an id: of several messages with an id the one that was published first counts, and of several
-- judgements of that message the latest. Read it with FINAL: an id may be in more than one partition.
CREATE TABLE IF NOT EXISTS events
(
    event_id               UUID,
    timestamp_stamp        DateTime64(6, 'UTC') COMMENT 'the sender''s, never shifted; without one, when it was published',
    message_id_stamp       String CODEC(ZSTD(1)),
    correlation_id         UUID COMMENT 'of the package that it came in',
    type                   LowCardinality(String),
    target_subscription    LowCardinality(String),
    new_context_account_id String CODEC(ZSTD(1)),
    new_context_user_id    String CODEC(ZSTD(1)),
    platform               LowCardinality(String),
    device                 LowCardinality(String),
    context                LowCardinality(String) COMMENT 'of the business, like billing',
    score                  Decimal(9, 4) COMMENT 'quality, from 0 to 1',
    lost_points            Array(Tuple(rule LowCardinality(String), points Decimal(9, 4))) COMMENT 'why the score is less than 1',
    data                   JSON COMMENT 'for queries; empty where a value is too large for it',
    data_verbatim          String COMMENT 'JSON as it was sent' CODEC(ZSTD(3)),
    attributes             String COMMENT 'JSON as it was sent; empty in the simple form' CODEC(ZSTD(3)),
    extra                  String COMMENT 'JSON: fields that nobody knows' CODEC(ZSTD(3)),
    form                   LowCardinality(String) COMMENT 'package or simple',
    timestamp_text         String COMMENT 'JSON as it was sent',
    timestamp_source       LowCardinality(String) COMMENT 'sender or broker',
    late                   Bool COMMENT 'published long after its own time',
    future                 Bool COMMENT 'published before its own time',
    amplitude_id           String,
    ip_address             String,
    user_agent             String CODEC(ZSTD(1)),
    session_id             String CODEC(ZSTD(1)),
    package_index          Int32 COMMENT 'place in the package, from 0',
    token                  LowCardinality(String) COMMENT 'name of the sender''s token',
    received_at            DateTime64(6, 'UTC') COMMENT 'by the collector''s clock',
    published_at           DateTime64(6, 'UTC') COMMENT 'by the broker''s clock',
    processed_at           DateTime64(6, 'UTC'),
    schema_id              Int32,
    rules_version          LowCardinality(String),
    origin                 LowCardinality(String) COMMENT 'topic',
    origin_digest          LowCardinality(String) COMMENT 'CLUSTER_ID/TOPIC_ID',
    partition              Int32,
    position               UInt64 COMMENT 'offset',
    content_hash           UInt64,
    trace_id               String,
    inserted_at            DateTime64(3, 'UTC') DEFAULT now64(3),
    row_version            UInt256 MATERIALIZED bitOr(
        bitShiftLeft(bitNot(bitOr(bitOr(bitShiftLeft(toUInt256(greatest(toUnixTimestamp64Micro(published_at), 0)), 96),
            bitShiftLeft(toUInt256(greatest(partition, 0)), 64)), toUInt256(position))), 64),
        toUInt256(greatest(toUnixTimestamp64Micro(processed_at), 0)))
        COMMENT 'the greater, the earlier it was published: time, partition, offset; then the later it was processed' CODEC(ZSTD(1)),
    INDEX by_insertion inserted_at TYPE minmax GRANULARITY 1,
    INDEX by_package correlation_id TYPE bloom_filter GRANULARITY 4,
    INDEX by_message message_id_stamp TYPE bloom_filter GRANULARITY 4,
    INDEX by_account new_context_account_id TYPE bloom_filter GRANULARITY 4,
    INDEX by_user new_context_user_id TYPE bloom_filter GRANULARITY 4
)
ENGINE = ReplacingMergeTree(row_version)
PARTITION BY toYear(published_at)
ORDER BY event_id;
