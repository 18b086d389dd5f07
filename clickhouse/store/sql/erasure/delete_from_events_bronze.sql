-- Deletes the rows of events_bronze that an erasure noted: a mutation, whose text has the id of the erasure.
-- Parameters: erasure.
-- Cost: the parts with such rows are written again.
ALTER TABLE events_bronze DELETE WHERE {{erasure/events_bronze.part}}
