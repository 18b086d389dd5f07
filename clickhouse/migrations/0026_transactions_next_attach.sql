-- The old table again: DETACH waited, nothing else was wanted of it.
ATTACH TABLE IF NOT EXISTS transactions_next;
