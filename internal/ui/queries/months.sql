-- Money and counts by month and category, from the journal that ClickHouse renews every minute.
SELECT
    formatDateTime(day, '%Y-%m') AS month,
    toString(category) AS category,
    sum(transactions) AS transactions,
    toDecimalString(sum(debit), 4) AS debit,
    toDecimalString(sum(credit), 4) AS credit,
    toDecimalString(sum(net), 4) AS net
FROM category_daily
GROUP BY month, category
ORDER BY month, category
LIMIT 9000
