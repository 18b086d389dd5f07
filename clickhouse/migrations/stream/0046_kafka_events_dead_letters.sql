-- A table of Kafka gets no columns: it goes, and comes again with those of key and headers. Where it read to stays.
DROP TABLE IF EXISTS kafka_events_dead_letters SYNC;
