-- Generated from clickhouse/migrations; do not edit.
CREATE MATERIALIZED VIEW events_to_event_arrivals TO event_arrivals
(
    `event_id` UUID,
    `account` String,
    `type` LowCardinality(String),
    `context` LowCardinality(String),
    `at` DateTime64(6, 'UTC'),
    `user` UInt128,
    `score` Decimal(9, 4),
    `late` Bool,
    `future` Bool,
    `row_version` UInt256,
    `origin` LowCardinality(String),
    `origin_digest` LowCardinality(String),
    `partition` Int32,
    `position` UInt64
)
AS SELECT
    event_id,
    new_context_account_id AS account,
    type,
    context,
    timestamp_stamp AS at,
    reinterpretAsUInt128(sipHash128(new_context_user_id)) AS user,
    score,
    late,
    future,
    row_version,
    origin,
    origin_digest,
    partition,
    position
FROM events;
