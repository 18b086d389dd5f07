-- The tables of the database that read from Kafka, by name, with what the server says of their consumers; one that is
-- detached is not there. Ages are in seconds, -1 for never.
-- Cost: none to speak of.
WITH (moment -> if(toUnixTimestamp(moment) = 0, toInt64(-1), toInt64(now()) - toInt64(moment))) AS age
SELECT name,
    extract(engine_full, 'kafka_topic_list = \'([^\']*)\''),
    extract(engine_full, 'kafka_group_name = \'([^\']*)\''),
    c.consumers, if(c.consumers = 0, toInt64(-1), c.polled), if(c.consumers = 0, toInt64(-1), c.committed),
    if(c.consumers = 0, toInt64(-1), c.failed), c.error, c.messages, toInt64(uptime())
FROM system.tables AS t
LEFT JOIN
(
    SELECT
        table, count() AS consumers,
        max(age(last_poll_time)) AS polled,
        max(age(last_commit_time)) AS committed,
        min(age(exceptions.time[-1])) AS failed,
        argMax(exceptions.text[-1], exceptions.time[-1]) AS error,
        sum(num_messages_read) AS messages
    FROM system.kafka_consumers
    WHERE database = currentDatabase()
    GROUP BY table
) AS c ON c.table = t.name
WHERE t.database = currentDatabase() AND t.engine = 'Kafka'
ORDER BY name
