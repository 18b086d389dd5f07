-- How much there is, without reading it.
SELECT
    (SELECT count() FROM transactions) AS transactions,
    (SELECT count() FROM outcomes) AS outcomes
