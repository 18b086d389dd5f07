-- A Kafka table's settings are not altered: it goes, and comes again. Its view stays, and its group goes on where it was.
DROP TABLE IF EXISTS kafka_events_silver SYNC;
