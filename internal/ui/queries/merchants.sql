-- The merchants with the most transactions.
SELECT
    merchant,
    transactions,
    toDecimalString(debit, 4) AS debit,
    toDecimalString(credit, 4) AS credit,
    toDecimalString(net, 4) AS net
FROM merchant_totals
ORDER BY transactions DESC, merchant
LIMIT 12
