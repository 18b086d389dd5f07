-- Whether anything is newer than a run's contents is found without reading what is older.
ALTER TABLE transactions ADD INDEX IF NOT EXISTS by_version version TYPE minmax GRANULARITY 1;
