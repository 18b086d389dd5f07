-- Deletes the rows of events that an erasure noted: a mutation, whose text has the id of the erasure.
-- Parameters: erasure.
-- Cost: the parts with such rows are written again.
ALTER TABLE events DELETE WHERE {{erasure/events.part}}
