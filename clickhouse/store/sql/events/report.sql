-- Events as they are now, added up by one or two keys; the second is empty where there is one. The most events first, then
-- by the keys.
-- Parameters: by (type, account, context, day); those of reported.
-- Cost: the columns that it names of all events.
SELECT
    if({by:String} = 'account', new_context_account_id,
        if({by:String} = 'context', toString(e.context),
            if({by:String} = 'day', toString(toDate32(timestamp_stamp)), toString(e.type)))) AS first_key,
    if({by:String} IN ('type', 'day'), toString(e.context), '') AS second_key,
    {{events/measures.part}}
FROM events AS e FINAL
WHERE {{events/reported.part}}
GROUP BY first_key, second_key
ORDER BY count() DESC, first_key, second_key
