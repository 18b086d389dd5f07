-- Generated from clickhouse/migrations; do not edit.
CREATE VIEW side_totals
(
    `category` LowCardinality(String),
    `side` Enum8('debit' = 1, 'credit' = 2),
    `transactions` UInt64,
    `debit` Decimal(38, 4),
    `credit` Decimal(38, 4),
    `net` Decimal(38, 4)
)
AS SELECT
    category,
    side,
    count() AS transactions,
    sumIf(amount, side = 'debit') AS debit,
    sumIf(amount, side = 'credit') AS credit,
    sum(amount) AS net
FROM transactions
FINAL
GROUP BY
    category,
    side
ORDER BY
    category ASC,
    side ASC;
