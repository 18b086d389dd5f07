-- Money and counts by month and category, from the rows themselves: for tables that are small enough to be read each time.
SELECT
    formatDateTime(month, '%Y-%m') AS month,
    toString(category) AS category,
    transactions,
    toDecimalString(debit, 4) AS debit,
    toDecimalString(credit, 4) AS credit,
    toDecimalString(net, 4) AS net
FROM category_monthly
ORDER BY month, category
LIMIT 9000
