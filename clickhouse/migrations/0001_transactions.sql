-- The current state of every transaction: of the rows with one id the one classified last counts. The order holds the
-- whole key, so merges never keep two. The year may change with a correction; reads with FINAL look across partitions,
-- which is why do_not_merge_across_partitions_select_final must never be set. Rows come in large blocks, so parts are
-- rewritten more seldom than by default (a base of 5): that was a third of what ClickHouse did during a load.
CREATE TABLE IF NOT EXISTS transactions
(
    id              UUID,
    source          LowCardinality(String),
    source_id       String CODEC(ZSTD(1)),
    description     String CODEC(ZSTD(1)),
    amount          Decimal(18, 4),
    timestamp       DateTime64(6, 'UTC'),
    merchant        LowCardinality(Nullable(String)),
    operation_type  LowCardinality(String),
    side            Enum8('debit' = 1, 'credit' = 2),
    category        LowCardinality(String),
    model_version   LowCardinality(String),
    classified_at   DateTime64(6, 'UTC'),
    pipeline        LowCardinality(String),
    run_id          LowCardinality(String),
    task_try        UInt16,
    origin          LowCardinality(String) COMMENT 'URL of the file, or topic',
    origin_digest   LowCardinality(String) COMMENT 'SHA-256 of the file',
    partition       Int32,
    position        UInt64 COMMENT 'line in the file from 1, or offset',
    chunk           LowCardinality(String),
    content_hash    UInt64,
    attempt         UInt16 COMMENT 'of the ML call',
    trace_id        LowCardinality(String) COMMENT 'of the ML call',
    span_id         LowCardinality(String),
    sampled         Bool,
    origin_trace_id LowCardinality(String) COMMENT 'that the row came in by',
    inserted_at     DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(classified_at)
PARTITION BY toYear(timestamp)
ORDER BY id
SETTINGS merge_selector_base = 12;
