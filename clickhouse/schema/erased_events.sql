-- Generated from clickhouse/migrations; do not edit.
CREATE TABLE erased_events
(
    `event_id` UUID,
    `token` LowCardinality(String) COMMENT 'name of the sender\'s token, who may ask what became of the event',
    `erasure` UUID COMMENT 'zero where refine erased it before it was stored',
    `erased_at` DateTime64(6, 'UTC') DEFAULT now64(6),
    INDEX by_erasure erasure TYPE bloom_filter GRANULARITY 1
)
ENGINE = ReplacingMergeTree
ORDER BY (event_id, erasure)
SETTINGS index_granularity = 8192;
