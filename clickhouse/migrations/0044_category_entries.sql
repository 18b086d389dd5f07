-- The current rows as entries of a journal: one with sign 1 for the row of an id that counts, and one with sign -1 that
-- reverses it once another row of that id counts. Their sums are those of the current state, and the projection keeps them
-- a part at a time, so that reading them costs as much as there are days and categories. To build the journal again, say
-- after rows were deleted from transactions, truncate it.
CREATE TABLE IF NOT EXISTS category_entries
(
    id          UUID,
    day         Date32,
    category    LowCardinality(String),
    side        Enum8('debit' = 1, 'credit' = 2),
    amount      Decimal(18, 4),
    row_version UInt128 COMMENT 'of the row in transactions' CODEC(ZSTD(1)),
    sign        Int8 COMMENT '1: the row counts; -1: it counts no longer',
    entered_at  DateTime64(3, 'UTC') DEFAULT now64(3),
    PROJECTION by_day
    (
        SELECT day, category, sum(sign), sumIf(amount * sign, side = 'debit'), sumIf(amount * sign, side = 'credit'), sum(amount * sign), max(entered_at)
        GROUP BY day, category
    )
)
ENGINE = MergeTree
ORDER BY id
SETTINGS index_granularity = 1024;
