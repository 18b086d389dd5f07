-- Counts and exact sums of the current transactions by one or two keys; the second is empty where there is one. Ordered
-- by count or by what was moved, if that is asked for, then by the keys.
-- Parameters: by (category, month, day, merchant, side; by side the first key is the category); sort (name, count, amount); any_source (1: all), source;
-- category (empty: all); from and to, in microseconds since 1970 (empty: open).
-- Cost: the columns that it names of all rows of the years asked for.
SELECT
    if({by:String} = 'month', formatDateTime(timestamp, '%Y-%m'),
        if({by:String} = 'day', toString(toDate32(timestamp)),
            if({by:String} = 'merchant', ifNull(merchant, ''), toString(category)))) AS first_key,
    if({by:String} IN ('month', 'day'), toString(category), if({by:String} = 'side', toString(side), '')) AS second_key,
    count(),
    toDecimalString(sumIf(amount, side = 'debit'), 4),
    toDecimalString(sumIf(amount, side = 'credit'), 4),
    toDecimalString(sum(amount), 4)
FROM transactions FINAL
WHERE ({any_source:UInt8} = 1 OR source = {source:String})
    AND ({category:String} = '' OR category = {category:String})
    AND ({from:String} = '' OR timestamp >= fromUnixTimestamp64Micro(toInt64OrZero({from:String}), 'UTC'))
    AND ({to:String} = '' OR timestamp < fromUnixTimestamp64Micro(toInt64OrZero({to:String}), 'UTC'))
GROUP BY first_key, second_key
ORDER BY
    if({sort:String} = 'count', count(), 0) DESC,
    if({sort:String} = 'amount', sum(abs(amount)), 0) DESC,
    first_key, second_key
