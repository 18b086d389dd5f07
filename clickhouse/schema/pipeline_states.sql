-- Generated from clickhouse/migrations; do not edit.
CREATE TABLE pipeline_states
(
    `every_source` UInt8 COMMENT '1: of all sources together, and source is empty',
    `source` LowCardinality(String),
    `id` UUID,
    `batch` SimpleAggregateFunction(max, Tuple(
        baseline UInt64,
        version UInt128,
        recorded_us Int64,
        category String,
        origin String,
        position UInt64)) COMMENT 'baseline 0: batch stored none' CODEC(ZSTD(1)),
    `stream` SimpleAggregateFunction(max, Tuple(
        baseline UInt64,
        version UInt128,
        recorded_us Int64,
        category String,
        origin String,
        position UInt64)) COMMENT 'baseline 0: the stream stored none' CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY (every_source, source, id)
SETTINGS index_granularity = 256;
