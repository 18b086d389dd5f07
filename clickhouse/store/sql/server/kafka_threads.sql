-- How many threads the server has for all tables that read from Kafka. Each of these keeps one while messages come, for up to a
-- minute.
-- Cost: none to speak of.
SELECT value FROM system.metrics WHERE metric = 'BackgroundMessageBrokerSchedulePoolSize'
