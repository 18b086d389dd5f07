-- How many mutations of a table that belong to an erasure are not done, how many parts they have still to write, and why
-- one failed; one row.
-- Parameters: table, erasure.
-- Cost: none to speak of.
SELECT countIf(NOT is_done), toUInt64(sumIf(parts_to_do, NOT is_done)),
    anyIf(latest_fail_reason, NOT is_done AND latest_fail_reason != '')
FROM system.mutations
WHERE database = currentDatabase() AND table = {table:String} AND position(command, {erasure:String}) > 0
