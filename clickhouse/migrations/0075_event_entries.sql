-- The rows of events that count, by what they are added up by. txflow events publish enters what is new and takes out what
-- is replaced or deleted; the projections keep the sums, so that reading one costs as much as it has parts. Truncated, the
-- table is built again.
CREATE TABLE IF NOT EXISTS event_entries
(
    event_id      UUID,
    account       String,
    type          LowCardinality(String),
    context       LowCardinality(String),
    hour          Int64 COMMENT 'of the event''s own time: microseconds since 1970',
    at            DateTime64(6, 'UTC') COMMENT 'the event''s own time',
    user          UInt128 COMMENT 'hash of the user',
    score         Decimal(9, 4),
    late          Bool,
    future        Bool,
    row_version   UInt256 COMMENT 'of the row in events' CODEC(ZSTD(1)),
    origin        LowCardinality(String),
    origin_digest LowCardinality(String),
    partition     Int32,
    position      UInt64,
    entered_at    DateTime64(6, 'UTC') COMMENT 'the look that entered it',
    PROJECTION by_entry
    (
        SELECT event_id, account, type, context, hour, row_version, entered_at
        ORDER BY entered_at
    ),
    PROJECTION by_hour
    (
        SELECT account, type, context, hour, count(), uniqExact(user), avg(score), countIf(score >= 0.9), countIf(score >= 0.7 AND score < 0.9),
            countIf(score >= 0.5 AND score < 0.7), countIf(score < 0.5), countIf(late), countIf(future), min(at), max(at)
        GROUP BY account, type, context, hour
    ),
    PROJECTION by_account
    (
        SELECT account, count(), uniqExact(user), avg(score), countIf(score >= 0.9), countIf(score >= 0.7 AND score < 0.9),
            countIf(score >= 0.5 AND score < 0.7), countIf(score < 0.5), countIf(late), countIf(future), min(at), max(at)
        GROUP BY account
    ),
    PROJECTION by_type
    (
        SELECT type, context, count(), uniqExact(user), avg(score), countIf(score >= 0.9), countIf(score >= 0.7 AND score < 0.9),
            countIf(score >= 0.5 AND score < 0.7), countIf(score < 0.5), countIf(late), countIf(future), min(at), max(at)
        GROUP BY type, context
    )
)
ENGINE = MergeTree
ORDER BY event_id
SETTINGS index_granularity = 256;
