-- Events as they are now, added up by account, type, context and hour; by account; by type and context: in one look at the
-- table, in no order. Times are in microseconds since 1970.
-- Cost: the columns that it names of all events; groups beyond memory go to the disk.
SELECT multiIf(grouping(hour) = 0, 'hour', grouping(account) = 0, 'account', 'type') AS kind,
    account, type, context, hour, count(), uniqExact(user),
    toDecimalString(toDecimal64(avg(score), 6), 4), countIf(score >= 0.9), countIf(score >= 0.7 AND score < 0.9),
    countIf(score >= 0.5 AND score < 0.7), countIf(score < 0.5), countIf(late), countIf(future), min(us), max(us)
FROM
(
    SELECT new_context_account_id AS account, toString(e.type) AS type, toString(e.context) AS context,
        toUnixTimestamp64Micro(timestamp_stamp) AS us, us - positiveModulo(us, 3600000000) AS hour,
        new_context_user_id AS user, score, late, future
    FROM events AS e FINAL
)
GROUP BY GROUPING SETS ((account, type, context, hour), (account), (type, context))
SETTINGS max_bytes_before_external_group_by = 268435456
