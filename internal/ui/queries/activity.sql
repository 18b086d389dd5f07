-- From when to when the ledger has entries.
SELECT
    toDateTime(min(recorded_at), 'UTC') AS first,
    toDateTime(max(recorded_at), 'UTC') AS last
FROM outcomes
