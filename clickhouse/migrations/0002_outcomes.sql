-- The ledger: what became of every source row of every run. Rows are only ever added; the same row delivered twice has
-- the same key and counts once. Months may be dropped when nothing is compared with them any more.
CREATE TABLE IF NOT EXISTS outcomes
(
    pipeline       LowCardinality(String),
    run_id         LowCardinality(String),
    origin         LowCardinality(String),
    partition      Int32,
    position       UInt64 CODEC(Delta, ZSTD(1)),
    source         LowCardinality(String),
    origin_digest  LowCardinality(String),
    id             UUID COMMENT 'zero when the row has none',
    content_hash   UInt64,
    outcome        Enum8('stored' = 1, 'rejected' = 2, 'duplicate' = 3, 'dead_letter' = 4),
    code           LowCardinality(String),
    category       LowCardinality(String),
    model_version  LowCardinality(String),
    version        DateTime64(6, 'UTC') COMMENT 'classified_at of the row; zero for what is not stored',
    first_origin   LowCardinality(String) COMMENT 'of a duplicate: where the first row stands',
    first_position UInt64,
    recorded_at    DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = ReplacingMergeTree(recorded_at)
PARTITION BY toYYYYMM(recorded_at)
ORDER BY (pipeline, run_id, origin, partition, position)
SETTINGS merge_selector_base = 12;
