-- The ledger entry of an event that was stored.
CREATE MATERIALIZED VIEW IF NOT EXISTS incoming_events_to_outcomes TO outcomes AS
SELECT
    'events' AS pipeline, 'txflow-refine' AS run_id, origin, partition, position, origin_digest AS log_id, '' AS source, origin_digest,
    event_id AS id, content_hash,
    CAST('stored', 'Enum8(\'stored\' = 1, \'rejected\' = 2, \'duplicate\' = 3, \'dead_letter\' = 4)') AS outcome,
    '' AS code, context AS category, rules_version AS model_version,
    fromUnixTimestamp64Micro(published_us, 'UTC') AS version,
    fromUnixTimestamp64Micro(processed_us, 'UTC') AS classified_at,
    '' AS first_origin, toUInt64(0) AS first_position
FROM incoming_events;
