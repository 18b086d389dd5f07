-- Dead letters come in with the key and the headers of their message.
ALTER TABLE incoming_dead_letters
    ADD COLUMN IF NOT EXISTS key Nullable(String),
    ADD COLUMN IF NOT EXISTS headers Array(Tuple(name String, value Nullable(String)));
