-- Dead letters in the order of their places. Their messages, which are nearly all of the table's bytes, are read only where
-- they are asked for.
-- Parameters: those of selected; raw (1: the message with its key and headers), sizes (1: its sizes), limit.
-- Cost: the granules of the origin, by the primary key; without one, of all dead letters.
SELECT origin, origin_digest, partition, position, pipeline, source, source_id, toString(id), toString(outcome), column,
    code, message, toString(state), replays,
    if({sizes:UInt8} = 1, length(raw), toUInt64(0)),
    if({sizes:UInt8} = 1, {{dead_letters/message_size.part}}, toUInt64(0)),
    trace_id, toUnixTimestamp64Micro(version), traceparent, first_seen, updated_at,
    if({raw:UInt8} = 1, raw, ''), if({raw:UInt8} = 1, key, CAST(NULL, 'Nullable(String)')),
    if({raw:UInt8} = 1, headers.name, CAST([], 'Array(String)')),
    if({raw:UInt8} = 1, headers.value, CAST([], 'Array(Nullable(String))'))
FROM {{dead_letters/selected.part}}
ORDER BY origin, origin_digest, partition, position
LIMIT {limit:UInt64}
