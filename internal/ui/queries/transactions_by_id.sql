-- The current state of some ids. Of each the greatest row_version counts, as in FINAL, which would read all columns around the ids.
SELECT {{transaction_columns.part}}
FROM transactions
WHERE id IN (SELECT toUUID(arrayJoin(splitByChar(',', {ids:String}))))
ORDER BY id, row_version DESC
LIMIT 1 BY id
LIMIT 10001
