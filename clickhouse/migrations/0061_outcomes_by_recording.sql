-- What was recorded lately is found in the ledger without reading the rest.
ALTER TABLE outcomes ADD INDEX IF NOT EXISTS by_recording recorded_at TYPE minmax GRANULARITY 1;
