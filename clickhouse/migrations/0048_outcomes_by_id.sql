-- An id is looked up in the ledger without reading all of it.
ALTER TABLE outcomes ADD INDEX IF NOT EXISTS by_id id TYPE bloom_filter GRANULARITY 4;
