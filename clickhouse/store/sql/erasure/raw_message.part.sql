-- What is read of a message of events_bronze; it may come twice.
origin, partition, position, toUnixTimestamp64Milli(recorded_at),
    arrayFirst(h -> h.name = 'txflow-version', headers).value, toString(id), value
