-- Inserts that had begun before rows went into both tables, and ended after the parts were linked, are in the old one alone.
INSERT INTO transactions
SELECT * FROM transactions_next
WHERE inserted_at BETWEEN
    (SELECT min(applied_at) FROM schema_migrations WHERE set = 'core' AND number = 20) - toIntervalMinute(10) AND
    (SELECT max(applied_at) FROM schema_migrations WHERE set = 'core' AND number = 21)
SETTINGS max_partitions_per_insert_block = 0, insert_deduplicate = 0;
