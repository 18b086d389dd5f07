-- The ledger entry of an event that refine erased.
CREATE MATERIALIZED VIEW IF NOT EXISTS arrived_events_erased TO outcomes AS
SELECT
    'events' AS pipeline, 'txflow-refine' AS run_id, origin, partition, position, origin_digest AS log_id, '' AS source, origin_digest,
    event_id AS id, content_hash,
    CAST('erased', 'Enum8(\'stored\' = 1, \'rejected\' = 2, \'duplicate\' = 3, \'dead_letter\' = 4, \'erased\' = 5)') AS outcome,
    '' AS code, '' AS category, rules_version AS model_version,
    fromUnixTimestamp64Micro(published_us, 'UTC') AS version,
    fromUnixTimestamp64Micro(processed_us, 'UTC') AS classified_at,
    '' AS first_origin, toUInt64(0) AS first_position
FROM arrived_events
WHERE problem = '' AND form IN ('erased', 'erased_rejected');
