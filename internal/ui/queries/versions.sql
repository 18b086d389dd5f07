-- The rows of an id that ClickHouse has now: the first one counts; what a merge has not yet removed follows.
SELECT {{transaction_columns.part}}
FROM transactions
WHERE id = {id:UUID}
ORDER BY row_version DESC
LIMIT 50
