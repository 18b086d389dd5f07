-- Deletes the rows of dead_letters that an erasure noted: a mutation, whose text has the id of the erasure.
-- Parameters: erasure.
-- Cost: the parts with such rows are written again.
ALTER TABLE dead_letters DELETE WHERE {{erasure/dead_letters.part}}
