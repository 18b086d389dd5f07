-- A row of a file that another run judges again was seen first when it was judged first.
ALTER TABLE incoming_dead_letters
    ADD COLUMN IF NOT EXISTS first_seen DateTime64(6, 'UTC') COMMENT 'by an earlier run; zero for none';
