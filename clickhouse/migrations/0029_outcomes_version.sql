-- The version of a ledger entry is that of the row's contents; when it was classified stands beside it. A topic that is
-- made again counts its offsets from 0 again: log_id tells the two apart.
ALTER TABLE outcomes
    ADD COLUMN IF NOT EXISTS classified_at DateTime64(6, 'UTC') DEFAULT version COMMENT 'zero for what is not stored' AFTER version,
    ADD COLUMN IF NOT EXISTS log_id LowCardinality(String) COMMENT 'CLUSTER_ID/TOPIC_ID of a topic; empty for files' AFTER position,
    MODIFY COLUMN version COMMENT 'how new the contents are; zero for what is not stored',
    MODIFY ORDER BY (pipeline, run_id, origin, partition, position, log_id);
