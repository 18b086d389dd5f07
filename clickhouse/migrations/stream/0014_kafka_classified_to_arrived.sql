-- Reads the values. No expression here can fail, whatever a message holds: ClickHouse would try the same block again for ever.
-- A value that is not exactly what it says is a problem of its message, and never another value. More than 100 years in one
-- block are one more such failure where the server has a limit on partitions, so only a server without it takes all years.
CREATE MATERIALIZED VIEW IF NOT EXISTS kafka_classified_to_arrived TO arrived_classified AS
WITH
    toDateTime64OrNull(k.timestamp, 6, 'UTC') AS moment,
    toLowCardinality(ifNull(k.call, '')) AS calls,
    multiIf(
        length(k._error) > 0, '',
        ifNull(length(k.id), 0) != 36 OR toUUIDOrNull(k.id) IS NULL, 'id',
        k.source_id IS NULL, 'source_id',
        k.description IS NULL, 'description',
        NOT ifNull(match(k.amount, '^-?[0-9]{1,14}(\\.[0-9]{1,4})?$'), 0), 'amount',
        NOT ifNull(toString(moment) = k.timestamp, 0), 'timestamp',
        toYear(moment) NOT BETWEEN 1970 AND 2069 AND getSetting('max_partitions_per_insert_block') != 0, 'timestamp',
        k.operation_type IS NULL, 'operation_type',
        NOT ifNull(k.side IN ('debit', 'credit'), 0), 'side',
        ifNull(k.category, '') = '', 'category',
        toUInt64OrNull(k.position) IS NULL, 'position',
        toUInt64OrNull(k.content_hash) IS NULL, 'content_hash',
        k.version_us IS NOT NULL AND toInt64OrNull(k.version_us) IS NULL, 'version_us',
        NOT (startsWith(simpleJSONExtractRaw(calls, 'pipeline'), '"') AND startsWith(simpleJSONExtractRaw(calls, 'run_id'), '"')
            AND startsWith(simpleJSONExtractRaw(calls, 'source'), '"') AND startsWith(simpleJSONExtractRaw(calls, 'origin'), '"')
            AND startsWith(simpleJSONExtractRaw(calls, 'origin_digest'), '"') AND startsWith(simpleJSONExtractRaw(calls, 'chunk'), '"')
            AND startsWith(simpleJSONExtractRaw(calls, 'origin_trace_id'), '"') AND startsWith(simpleJSONExtractRaw(calls, 'model_version'), '"')
            AND startsWith(simpleJSONExtractRaw(calls, 'trace_id'), '"') AND startsWith(simpleJSONExtractRaw(calls, 'span_id'), '"')
            AND simpleJSONExtractRaw(calls, 'sampled') IN ('true', 'false')
            AND match(simpleJSONExtractRaw(calls, 'classified_us'), '^-?[0-9]{1,18}$') AND toInt32OrNull(simpleJSONExtractRaw(calls, 'partition')) IS NOT NULL
            AND toUInt16OrNull(simpleJSONExtractRaw(calls, 'task_try')) IS NOT NULL AND toUInt16OrNull(simpleJSONExtractRaw(calls, 'attempt')) IS NOT NULL), 'call',
        '-') AS bad
SELECT
    toUUIDOrZero(ifNull(k.id, '')) AS id,
    ifNull(k.source_id, '') AS source_id,
    ifNull(k.description, '') AS description,
    toDecimal64OrZero(ifNull(k.amount, ''), 4) AS amount,
    ifNull(moment, toDateTime64(0, 6, 'UTC')) AS timestamp,
    k.merchant AS merchant,
    ifNull(k.operation_type, '') AS operation_type,
    if(ifNull(k.side, '') = 'credit', 2, 1) AS side,
    ifNull(k.category, '') AS category,
    toUInt64OrZero(ifNull(k.position, '')) AS position,
    toUInt64OrZero(ifNull(k.content_hash, '')) AS content_hash,
    toInt64OrZero(ifNull(k.version_us, '')) AS version_us,
    calls AS call,
    if(bad = '-', '', bad) AS column,
    multiIf(bad = '-', '', bad = '', k._error, concat('ClickHouse can not take the value of ', bad, ' in this message')) AS problem,
    multiIf(bad = '-', '', bad = '', k._raw_message, toJSONString(CAST(tuple(k.id, k.source_id, k.description, k.amount, k.timestamp, k.merchant, k.operation_type,
        k.side, k.category, k.position, k.content_hash, k.version_us, k.call), 'Tuple(id Nullable(String), source_id Nullable(String), description Nullable(String),
        amount Nullable(String), timestamp Nullable(String), merchant Nullable(String), operation_type Nullable(String), side Nullable(String), category Nullable(String),
        position Nullable(String), content_hash Nullable(String), version_us Nullable(String), call Nullable(String))'))) AS raw,
    k._topic AS topic,
    CAST(k._partition, 'Int32') AS partition,
    k._offset AS offset,
    least(greatest(toUnixTimestamp64Milli(ifNull(k._timestamp_ms, toDateTime64(0, 3, 'UTC'))), 0), 253402300799999) AS recorded_ms
FROM kafka_classified AS k;
