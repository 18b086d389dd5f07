-- From here on transactions is the new table, for readers and for views, which go by the name.
-- unless: SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'transactions' AND engine_full LIKE 'ReplacingMergeTree(row_version)%'
EXCHANGE TABLES transactions AND transactions_next;
