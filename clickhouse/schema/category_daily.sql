-- Generated from clickhouse/migrations; do not edit.
CREATE VIEW category_daily
(
    `day` Date32,
    `category` LowCardinality(String),
    `transactions` UInt64,
    `debit` Decimal(38, 4),
    `credit` Decimal(38, 4),
    `net` Decimal(38, 4)
)
AS SELECT
    day,
    category,
    toUInt64(sum(sign)) AS transactions,
    sumIf(amount * sign, side = 'debit') AS debit,
    sumIf(amount * sign, side = 'credit') AS credit,
    sum(amount * sign) AS net
FROM category_entries
GROUP BY
    day,
    category
HAVING transactions != 0;
