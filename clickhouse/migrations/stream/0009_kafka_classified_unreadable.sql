-- Its views, which read nothing any more.
DROP VIEW IF EXISTS kafka_classified_unreadable;
