-- What came into events. No expression here can fail.
CREATE MATERIALIZED VIEW IF NOT EXISTS events_to_event_arrivals TO event_arrivals AS
SELECT
    event_id, new_context_account_id AS account, type, context, timestamp_stamp AS at,
    reinterpretAsUInt128(sipHash128(new_context_user_id)) AS user, score, late, future, row_version,
    origin, origin_digest, partition, position
FROM events;
