-- How many rows of dead_letters an erasure has still to delete.
-- Parameters: erasure.
-- Cost: the key's columns of the table.
SELECT count()
FROM dead_letters
WHERE {{erasure/dead_letters.part}}
