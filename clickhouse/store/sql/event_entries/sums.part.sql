-- What a roll-up adds up. Times are in microseconds since 1970: the driver's own reach from 1678 to 2262 only.
count(), uniqExact(user), toDecimalString(toDecimal64(avg(score), 6), 4), countIf(score >= 0.9),
    countIf(score >= 0.7 AND score < 0.9), countIf(score >= 0.5 AND score < 0.7), countIf(score < 0.5), countIf(late),
    countIf(future), toUnixTimestamp64Micro(min(at)), toUnixTimestamp64Micro(max(at))
