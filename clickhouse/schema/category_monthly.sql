-- Generated from clickhouse/migrations; do not edit.
CREATE VIEW category_monthly
(
    `month` Date32,
    `category` LowCardinality(String),
    `transactions` UInt64,
    `debit` Decimal(38, 4),
    `credit` Decimal(38, 4),
    `net` Decimal(38, 4)
)
AS SELECT
    toDate32(timestamp) - (toDayOfMonth(timestamp) - 1) AS month,
    category,
    count() AS transactions,
    sumIf(amount, side = 'debit') AS debit,
    sumIf(amount, side = 'credit') AS credit,
    sum(amount) AS net
FROM transactions
FINAL
GROUP BY
    month,
    category
ORDER BY
    month ASC,
    category ASC;
