-- Generated from clickhouse/migrations; do not edit.
CREATE TABLE incoming_dead_letters
(
    `pipeline` String,
    `run_id` String,
    `source` String,
    `origin` String,
    `origin_digest` String,
    `partition` Int32,
    `position` UInt64,
    `id` UUID,
    `source_id` String,
    `content_hash` UInt64,
    `outcome` String,
    `column` String,
    `code` String,
    `message` String,
    `raw` String,
    `attempt` UInt16,
    `model_version` String,
    `trace_id` String,
    `span_id` String,
    `replays` UInt16 COMMENT 'how often it had been replayed when it was judged',
    `at` DateTime64(6, 'UTC') COMMENT 'when it was judged: the same however often it is delivered',
    `version_us` Int64 COMMENT 'microseconds since 1970: how new the contents are; 0: as new as the judgement',
    `traceparent` String,
    `first_seen` DateTime64(6, 'UTC') COMMENT 'by an earlier run; zero for none',
    `key` Nullable(String),
    `headers` Array(Tuple(
        name String,
        value Nullable(String)))
)
ENGINE = `Null`;
