-- The id of an event that refine erased stays taken, unless its message was to be rejected.
CREATE MATERIALIZED VIEW IF NOT EXISTS arrived_events_erased_ids TO erased_events AS
SELECT event_id, token, toUUID('00000000-0000-0000-0000-000000000000') AS erasure
FROM arrived_events
WHERE problem = '' AND form = 'erased';
