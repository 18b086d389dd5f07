-- The category totals by side.
CREATE VIEW IF NOT EXISTS side_totals AS
SELECT
    category, side,
    count() AS transactions,
    sumIf(amount, side = 'debit') AS debit,
    sumIf(amount, side = 'credit') AS credit,
    sum(amount) AS net
FROM transactions FINAL
GROUP BY category, side
ORDER BY category, side;
