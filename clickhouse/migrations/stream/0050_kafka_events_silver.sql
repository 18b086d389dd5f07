-- A Kafka table's columns are not altered: it goes, and comes again with one of the whole message. Its group goes on where it was.
DROP TABLE IF EXISTS kafka_events_silver SYNC;
