-- Good messages come in, without those of erased events, whoever sends or delivers them again.
ALTER TABLE arrived_events_to_incoming MODIFY QUERY
SELECT
    event_id, correlation_id, package_index, token, form, type, target_subscription, account_id, user_id, message_id,
    timestamp_text, timestamp_us, timestamp_source, late, future, platform, device, amplitude_id, ip_address, user_agent,
    session_id, data, attributes, extra, received_us, published_us, processed_us, schema_id, context, score, lost_points,
    rules_version, origin, origin_digest, partition, position, content_hash, trace_id
FROM arrived_events
WHERE problem = '' AND form NOT IN ('erased', 'erased_rejected') AND event_id NOT IN (SELECT event_id FROM erased_events);
