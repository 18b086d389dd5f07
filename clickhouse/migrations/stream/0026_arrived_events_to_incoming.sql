-- Good messages come in.
CREATE MATERIALIZED VIEW IF NOT EXISTS arrived_events_to_incoming TO incoming_events AS
SELECT
    event_id, correlation_id, package_index, token, form, type, target_subscription, account_id, user_id, message_id,
    timestamp_text, timestamp_us, timestamp_source, late, future, platform, device, amplitude_id, ip_address, user_agent,
    session_id, data, attributes, extra, received_us, published_us, processed_us, schema_id, context, score, lost_points,
    rules_version, origin, origin_digest, partition, position, content_hash, trace_id
FROM arrived_events
WHERE problem = '';
