-- The category totals by month. A Date reaches from 1970 to 2149 only.
CREATE OR REPLACE VIEW category_monthly AS
SELECT
    toDate32(timestamp) - (toDayOfMonth(timestamp) - 1) AS month, category,
    count() AS transactions,
    sumIf(amount, side = 'debit') AS debit,
    sumIf(amount, side = 'credit') AS credit,
    sum(amount) AS net
FROM transactions FINAL
GROUP BY month, category
ORDER BY month, category;
