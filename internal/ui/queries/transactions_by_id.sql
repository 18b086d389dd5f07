-- The current state of some ids. Of each the greatest row_version counts, as in FINAL, which would read all columns around the ids.
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
WHERE id IN (SELECT toUUID(arrayJoin(splitByChar(',', {ids:String}))))
ORDER BY id, row_version DESC
LIMIT 1 BY id
LIMIT 10001
