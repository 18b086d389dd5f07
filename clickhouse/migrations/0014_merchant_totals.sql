-- The totals by merchant; NULL stands for none.
CREATE VIEW IF NOT EXISTS merchant_totals AS
SELECT
    merchant,
    count() AS transactions,
    sumIf(amount, side = 'debit') AS debit,
    sumIf(amount, side = 'credit') AS credit,
    sum(amount) AS net
FROM transactions FINAL
GROUP BY merchant
ORDER BY merchant;
