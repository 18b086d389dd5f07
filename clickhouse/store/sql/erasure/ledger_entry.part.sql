-- An entry of the ledger after its event or message was erased: it says nothing of what was in it, and is later than the one
-- that it replaces, whoever's clock that is from.
SELECT * REPLACE (
    CAST('erased', toTypeName(outcome)) AS outcome, '' AS code, '' AS category, toUInt64(0) AS content_hash,
    greatest(now64(6), recorded_at + toIntervalMicrosecond(1)) AS recorded_at)
