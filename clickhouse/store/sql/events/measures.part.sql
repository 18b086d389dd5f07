-- What a report says of a group of events.
count(), uniqExact(new_context_account_id), uniqExact(new_context_user_id), toDecimalString(toDecimal64(avg(score), 6), 4),
    countIf(score >= 0.9), countIf(score >= 0.7 AND score < 0.9), countIf(score >= 0.5 AND score < 0.7),
    countIf(score < 0.5), countIf(e.late), countIf(e.future),
    toUInt64(greatest(toUnixTimestamp64Second(max(published_at)), 0))
