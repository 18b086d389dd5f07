-- The latest lock of the database's migrations, who holds it, and for how many seconds it was not touched, by the server's
-- clock; at most one row.
-- Parameters: prefix, of the names of locks.
-- Cost: none to speak of.
SELECT toUInt64OrZero(substring(name, length({prefix:String}) + 1)) AS generation, comment,
    dateDiff('second', metadata_modification_time, now())
FROM system.tables
WHERE database = currentDatabase() AND startsWith(name, {prefix:String})
ORDER BY generation DESC
LIMIT 1
