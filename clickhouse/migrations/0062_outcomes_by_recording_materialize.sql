-- For the entries of before, too; ClickHouse does it in the background.
ALTER TABLE outcomes MATERIALIZE INDEX by_recording;
