-- How many of the database's Kafka tables use the shared named collection, how many one of their own, and whether the
-- server has that of this database: 1 or 0. One row.
-- Parameters: shared, how the engine of a table with the shared collection begins; own, the name of the database's.
-- Words: tables, the names of txflow's Kafka tables, quoted, separated by commas.
-- Cost: none to speak of.
SELECT
    (SELECT countIf(startsWith(engine_full, {shared:String})) FROM system.tables
        WHERE database = currentDatabase() AND engine = 'Kafka'),
    (SELECT countIf(NOT startsWith(engine_full, {shared:String})) FROM system.tables
        WHERE database = currentDatabase() AND engine = 'Kafka' AND name IN ({{tables}})),
    (SELECT count() FROM system.named_collections WHERE name = {own:String})
