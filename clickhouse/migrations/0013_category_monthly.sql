-- The category totals by month.
CREATE VIEW IF NOT EXISTS category_monthly AS
SELECT
    toStartOfMonth(timestamp) AS month, category,
    count() AS transactions,
    sumIf(amount, side = 'debit') AS debit,
    sumIf(amount, side = 'credit') AS credit,
    sum(amount) AS net
FROM transactions FINAL
GROUP BY month, category
ORDER BY month, category;
