-- How many of the selected dead letters have the same reason and state, and when the oldest was first seen; the most first.
-- Parameters: those of selected.
-- Cost: the granules of the origin, by the primary key; without one, of all dead letters.
SELECT pipeline, source, code, column, toString(state), count() AS rows, min(first_seen)
FROM {{dead_letters/selected.part}}
GROUP BY pipeline, source, code, column, state
ORDER BY rows DESC, pipeline, source, code, column, state
