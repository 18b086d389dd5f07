-- Generated from clickhouse/migrations; do not edit.
CREATE MATERIALIZED VIEW kafka_events_raw_to_bronze TO events_bronze
(
    `id` UUID,
    `key` String,
    `value` String,
    `headers` Array(Tuple(
        name LowCardinality(String),
        value String)),
    `origin` LowCardinality(String),
    `partition` Int32,
    `position` UInt64,
    `recorded_at` DateTime64(3, 'UTC')
)
AS SELECT
    id,
    key,
    value,
    headers,
    origin,
    partition,
    position,
    recorded_at
FROM
(
    SELECT
        if(length(k._key) = 36, toUUIDOrZero(k._key), toUUID('00000000-0000-0000-0000-000000000000')) AS id,
        k._key AS key,
        k.value AS value,
        CAST(arrayZip(k._headers.name, k._headers.value), 'Array(Tuple(name LowCardinality(String), value String))') AS headers,
        k._topic AS origin,
        CAST(k._partition, 'Int32') AS partition,
        k._offset AS position,
        least(greatest(toUnixTimestamp64Milli(ifNull(k._timestamp_ms, toDateTime64(0, 3, 'UTC'))), 0), 253402300799999) AS recorded_ms,
        fromUnixTimestamp64Milli(recorded_ms, 'UTC') AS recorded_at
    FROM kafka_events_raw AS k
)
WHERE (id NOT IN (
    SELECT event_id
    FROM erased_events
)) AND ((origin, toString(recorded_ms), partition, position) NOT IN (
    SELECT
        origin,
        origin_digest,
        partition,
        position
    FROM erased_messages
));
