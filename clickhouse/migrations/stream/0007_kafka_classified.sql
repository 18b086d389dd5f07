-- The tables that read from Kafka are made again, each with one view: a table that has lost one of two goes on reading and
-- drops what the other was for. The table goes first, so that nothing is read until all is there again; messages wait.
-- replaces: 1 to 6
DROP TABLE IF EXISTS kafka_classified SYNC;
