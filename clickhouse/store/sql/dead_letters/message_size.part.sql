-- What the message of a dead letter takes, with its key and headers, in bytes.
length(raw) + length(ifNull(key, '')) + arraySum(h -> length(h.name) + length(ifNull(h.value, '')), headers)
