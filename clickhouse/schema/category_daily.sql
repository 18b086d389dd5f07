-- Generated from clickhouse/migrations; do not edit.
CREATE MATERIALIZED VIEW category_daily
REFRESH EVERY 1 MINUTE
(
    `day` Date32,
    `category` LowCardinality(String),
    `transactions` UInt64,
    `debit` Decimal(38, 4),
    `credit` Decimal(38, 4),
    `net` Decimal(38, 4)
)
ENGINE = MergeTree
ORDER BY (day, category)
SETTINGS index_granularity = 8192
DEFINER = default SQL SECURITY DEFINER
AS SELECT
    toDate32(timestamp) AS day,
    category,
    count() AS transactions,
    sumIf(amount, side = 'debit') AS debit,
    sumIf(amount, side = 'credit') AS credit,
    sum(amount) AS net
FROM transactions
FINAL
GROUP BY
    day,
    category;
