-- What came in lately is found without reading the rest.
ALTER TABLE transactions ADD INDEX IF NOT EXISTS by_insertion inserted_at TYPE minmax GRANULARITY 1;
