-- Generated from clickhouse/migrations; do not edit.
CREATE MATERIALIZED VIEW arrived_events_erased_ids TO erased_events
(
    `event_id` UUID,
    `token` String,
    `erasure` UUID
)
AS SELECT
    event_id,
    token,
    toUUID('00000000-0000-0000-0000-000000000000') AS erasure
FROM arrived_events
WHERE (problem = '') AND (form = 'erased');
