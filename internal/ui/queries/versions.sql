-- The rows of an id that ClickHouse has now: the first one counts; what a merge has not yet removed follows.
SELECT
    id,
    source,
    source_id,
    description,
    toDecimalString(amount, 4) AS amount,
    timestamp,
    merchant,
    operation_type,
    toString(side) AS side,
    category,
    model_version,
    version,
    classified_at,
    pipeline,
    run_id,
    origin,
    partition,
    position,
    trace_id,
    span_id,
    inserted_at
FROM transactions
WHERE id = {id:UUID}
ORDER BY row_version DESC
LIMIT 50
