-- The key and the headers of a message, which a replay has, too. Dead letters of before were replayed under their ids.
ALTER TABLE dead_letters
    ADD COLUMN IF NOT EXISTS key Nullable(String) DEFAULT source_id COMMENT 'of a message; NULL for none',
    ADD COLUMN IF NOT EXISTS headers Array(Tuple(name String, value Nullable(String))) COMMENT 'of a message, in their order' CODEC(ZSTD(3));
