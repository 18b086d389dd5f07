-- Deletes the rows of events that an erasure noted: a mutation, whose text has the id of the erasure.
-- Parameters: erasure. {{table}} is events, or a table of its rows that has the columns an erasure goes by.
-- Cost: the parts with such rows are written again.
ALTER TABLE {{table}} DELETE WHERE {{erasure/events.part}}
