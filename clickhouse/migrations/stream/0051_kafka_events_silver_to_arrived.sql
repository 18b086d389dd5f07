-- Its view, which reads nothing any more.
DROP VIEW IF EXISTS kafka_events_silver_to_arrived;
