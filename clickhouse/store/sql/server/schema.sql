-- The statement that makes each object of the database, without the database's name, by the object's name.
-- Cost: none to speak of.
SELECT name, formatQuery(replaceAll(create_table_query, concat(database, '.'), '')) AS sql
FROM system.tables
WHERE database = currentDatabase() AND NOT startsWith(name, '.inner')
ORDER BY name
