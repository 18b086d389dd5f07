-- The same for dead letters: the table goes first.
DROP TABLE IF EXISTS kafka_dead_letters SYNC;
