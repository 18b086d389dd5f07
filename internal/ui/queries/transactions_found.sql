-- Ids with a row that fits, in the order of the table, from an id on. Whether that row is the one that counts is for transactions_by_id.
SELECT id
FROM transactions
WHERE id > {after:UUID}
    AND (category = {category:String} OR {category:String} = '')
    AND (source = {source:String} OR {any_source:UInt8} = 1)
    AND (pipeline = {pipeline:String} OR {pipeline:String} = '')
    AND (toString(side) = {side:String} OR {side:String} = '')
    AND (ifNull(merchant = {merchant:String}, false) OR {any_merchant:UInt8} = 1)
    AND (merchant IS NULL OR {no_merchant:UInt8} = 0)
    AND ({from:String} = '' OR timestamp >= fromUnixTimestamp64Second(toInt64OrZero({from:String}), 'UTC'))
    AND ({to:String} = '' OR timestamp < fromUnixTimestamp64Second(toInt64OrZero({to:String}), 'UTC'))
ORDER BY id
LIMIT 1 BY id
LIMIT {limit:UInt32}
