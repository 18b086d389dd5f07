-- The row of an event. No expression here can fail: what is no JSON, or too large for the type, is an empty object.
CREATE MATERIALIZED VIEW IF NOT EXISTS incoming_events_to_events TO events AS
SELECT
    event_id,
    fromUnixTimestamp64Micro(timestamp_us, 'UTC') AS timestamp_stamp,
    message_id AS message_id_stamp,
    correlation_id, type, target_subscription,
    account_id AS new_context_account_id,
    user_id AS new_context_user_id,
    platform, device, context, score,
    CAST(lost_points, 'Array(Tuple(rule LowCardinality(String), points Decimal(9, 4)))') AS lost_points,
    JSONExtract(i.data, 'JSON') AS data,
    i.data AS data_verbatim,
    attributes, extra, form, timestamp_text, timestamp_source, late, future, amplitude_id, ip_address, user_agent, session_id,
    package_index, token,
    fromUnixTimestamp64Micro(received_us, 'UTC') AS received_at,
    fromUnixTimestamp64Micro(published_us, 'UTC') AS published_at,
    fromUnixTimestamp64Micro(processed_us, 'UTC') AS processed_at,
    schema_id, rules_version, origin, origin_digest, partition, position, content_hash, trace_id
FROM incoming_events AS i;
