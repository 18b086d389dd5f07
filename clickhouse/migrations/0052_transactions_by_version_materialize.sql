-- For the rows of before, too; ClickHouse does it in the background.
ALTER TABLE transactions MATERIALIZE INDEX by_version;
