-- The sources that ids were given by.
SELECT DISTINCT source
FROM transactions
ORDER BY source
LIMIT 200
