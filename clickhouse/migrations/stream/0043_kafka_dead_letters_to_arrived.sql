-- Its view, which reads nothing any more.
DROP VIEW IF EXISTS kafka_dead_letters_to_arrived;
