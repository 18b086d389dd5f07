-- The index of the rows of before. It is made in the background.
ALTER TABLE dead_letters MATERIALIZE INDEX by_state;
