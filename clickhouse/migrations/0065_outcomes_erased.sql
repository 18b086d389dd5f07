-- What became of an event whose person was forgotten.
ALTER TABLE outcomes MODIFY COLUMN outcome Enum8('stored' = 1, 'rejected' = 2, 'duplicate' = 3, 'dead_letter' = 4, 'erased' = 5);
