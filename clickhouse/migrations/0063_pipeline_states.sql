-- What each pipeline last stored of an id, by the ledger, as far as reconcile --pipelines has read it. Ids are random, so
-- granules are small: looking up an id costs a granule of each column. Of two states the greater counts, whichever came
-- first; rows that are added again change nothing.
CREATE TABLE IF NOT EXISTS pipeline_states
(
    every_source UInt8 COMMENT '1: of all sources together, and source is empty',
    source       LowCardinality(String),
    id           UUID,
    batch        SimpleAggregateFunction(max, Tuple(baseline UInt64, version UInt128, recorded_us Int64, category String, origin String, position UInt64)) COMMENT 'baseline 0: batch stored none' CODEC(ZSTD(1)),
    stream       SimpleAggregateFunction(max, Tuple(baseline UInt64, version UInt128, recorded_us Int64, category String, origin String, position UInt64)) COMMENT 'baseline 0: the stream stored none' CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY (every_source, source, id)
SETTINGS index_granularity = 256;
