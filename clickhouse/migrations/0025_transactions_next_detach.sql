-- Waits for the inserts into the old table that began before.
DETACH TABLE IF EXISTS transactions_next SYNC;
