-- As 0054 does for events: it goes, and comes again with shorter polls.
DROP TABLE IF EXISTS kafka_classified SYNC;
