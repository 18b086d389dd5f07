-- Its views, which read nothing any more.
DROP VIEW IF EXISTS kafka_dead_letters_to_incoming;
