-- Notes ids of events in gold as erased: those of which the row that counts is the person's.
-- Parameters: those of of_person; erasure.
-- Cost: the granules that may hold the person, by the indexes by_user and by_account, and those of their ids.
INSERT INTO erased_events (event_id, token, erasure)
SELECT event_id, last.4, {erasure:UUID}
FROM
(
    SELECT event_id, argMax((new_context_user_id, new_context_account_id, published_at, token), row_version) AS last
    FROM events
    WHERE event_id IN (SELECT event_id FROM events WHERE {{erasure/of_person.part}})
    GROUP BY event_id
)
WHERE ({user:String} != '' OR {account:String} != '')
    AND ({user:String} = '' OR last.1 = {user:String})
    AND ({account:String} = '' OR last.2 = {account:String})
    AND last.3 < fromUnixTimestamp64Micro({before:Int64}, 'UTC')
