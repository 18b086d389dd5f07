-- Rows of events that are a person's and were published before a time.
-- Parameters: user, account (one of them may be empty: any); before, in microseconds since 1970.
({user:String} != '' OR {account:String} != '')
    AND ({user:String} = '' OR new_context_user_id = {user:String})
    AND ({account:String} = '' OR new_context_account_id = {account:String})
    AND published_at < fromUnixTimestamp64Micro({before:Int64}, 'UTC')
