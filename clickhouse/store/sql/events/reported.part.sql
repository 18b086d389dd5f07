-- The events that a report adds up.
-- Parameters: account (empty: all); from and to, in microseconds since 1970 (empty: open).
({account:String} = '' OR new_context_account_id = {account:String})
    AND ({from:String} = '' OR timestamp_stamp >= fromUnixTimestamp64Micro(toInt64OrZero({from:String}), 'UTC'))
    AND ({to:String} = '' OR timestamp_stamp < fromUnixTimestamp64Micro(toInt64OrZero({to:String}), 'UTC'))
