-- The category totals, live and exact.
CREATE VIEW IF NOT EXISTS category_totals AS
SELECT
    category,
    count() AS transactions,
    sumIf(amount, side = 'debit') AS debit,
    sumIf(amount, side = 'credit') AS credit,
    sum(amount) AS net
FROM transactions FINAL
GROUP BY category
ORDER BY category;
