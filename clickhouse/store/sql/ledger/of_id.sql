-- What became of an id in every run, the newest first. The index of ids is used, which FINAL would not do.
-- Parameters: id.
-- Cost: the granules that may hold the id, by the index by_id.
SELECT pipeline, run_id, origin, partition, position, toString(outcome) AS outcome, code, category, model_version,
    version, classified_at, first_origin, first_position, recorded_at
FROM
(
    SELECT * FROM outcomes
    WHERE id = {id:UUID}
    ORDER BY recorded_at DESC
    LIMIT 1 BY pipeline, run_id, origin, partition, position, log_id
)
ORDER BY recorded_at DESC, pipeline, run_id, origin, partition, position
LIMIT 100
