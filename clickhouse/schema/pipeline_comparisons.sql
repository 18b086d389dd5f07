-- Generated from clickhouse/migrations; do not edit.
CREATE TABLE pipeline_comparisons
(
    `every_source` UInt8 COMMENT '1: of all sources together, and source is empty',
    `source` LowCardinality(String),
    `baseline` UInt64 COMMENT 'when everything was compared, in microseconds since 1970; names the states that count',
    `until` DateTime64(6, 'UTC') COMMENT 'what was recorded until then is in the states',
    `differing` Array(UUID) COMMENT 'ids on which the pipelines did not agree',
    `compared_at` DateTime64(3, 'UTC') DEFAULT now64(3),
    `row_version` UInt128 MATERIALIZED bitOr(bitShiftLeft(toUInt128(baseline), 64), toUInt128(greatest(toUnixTimestamp64Micro(until), 0)))
)
ENGINE = ReplacingMergeTree(row_version)
ORDER BY (every_source, source)
SETTINGS index_granularity = 8192;
