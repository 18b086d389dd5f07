-- How many events of a person are in gold.
-- Parameters: those of of_person.
-- Cost: the granules that may hold the person, by the indexes by_user and by_account.
SELECT uniqExact(event_id)
FROM events
WHERE {{erasure/of_person.part}}
