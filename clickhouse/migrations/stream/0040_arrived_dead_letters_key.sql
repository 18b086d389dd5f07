-- The key and the headers of the message, as it came.
ALTER TABLE arrived_dead_letters
    ADD COLUMN IF NOT EXISTS key Nullable(String) COMMENT 'NULL for none',
    ADD COLUMN IF NOT EXISTS headers Array(Tuple(name String, value Nullable(String)));
