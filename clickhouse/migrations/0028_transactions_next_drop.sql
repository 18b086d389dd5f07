-- The parts themselves live on in transactions.
DROP TABLE IF EXISTS transactions_next SYNC SETTINGS max_table_size_to_drop = 0;
