-- The hour of an event's own time, at, in microseconds since 1970.
toUnixTimestamp64Micro(at) - positiveModulo(toUnixTimestamp64Micro(at), 3600000000) AS hour
