-- Generated from clickhouse/migrations; do not edit.
CREATE TABLE events_bronze
(
    `id` UUID COMMENT 'of the event: the message\'s key; zero when it is none',
    `key` String,
    `value` String COMMENT 'Avro in Confluent\'s wire format' CODEC(ZSTD(1)),
    `headers` Array(Tuple(
        name LowCardinality(String),
        value String)),
    `origin` LowCardinality(String) COMMENT 'topic',
    `partition` Int32,
    `position` UInt64 COMMENT 'offset' CODEC(Delta(8), ZSTD(1)),
    `recorded_at` DateTime64(3, 'UTC') COMMENT 'the record\'s timestamp',
    `inserted_at` DateTime('UTC') DEFAULT now(),
    `token` String ALIAS tupleElement(arrayFirst(h -> (h.name = 'txflow-token'), headers), 'value'),
    `request` String ALIAS tupleElement(arrayFirst(h -> (h.name = 'txflow-request'), headers), 'value'),
    `traceparent` String ALIAS tupleElement(arrayFirst(h -> (h.name = 'traceparent'), headers), 'value'),
    INDEX by_id id TYPE bloom_filter GRANULARITY 4
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(inserted_at)
ORDER BY (origin, partition, position, recorded_at)
TTL inserted_at + toIntervalDay(30)
SETTINGS ttl_only_drop_parts = 1, index_granularity = 8192, merge_selector_base = 12;
