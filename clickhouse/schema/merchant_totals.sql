-- Generated from clickhouse/migrations; do not edit.
CREATE VIEW merchant_totals
(
    `merchant` LowCardinality(Nullable(String)),
    `transactions` UInt64,
    `debit` Decimal(38, 4),
    `credit` Decimal(38, 4),
    `net` Decimal(38, 4)
)
AS SELECT
    merchant,
    count() AS transactions,
    sumIf(amount, side = 'debit') AS debit,
    sumIf(amount, side = 'credit') AS credit,
    sum(amount) AS net
FROM transactions
FINAL
GROUP BY merchant
ORDER BY merchant ASC;
