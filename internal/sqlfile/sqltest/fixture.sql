INSERT INTO transactions (id, source, source_id, description, amount, timestamp, merchant, operation_type, side, category, model_version,
    classified_at, version, pipeline, run_id, origin, origin_digest, partition, position, content_hash, attempt, trace_id, inserted_at)
SELECT toUUID(concat('00000000-0000-0000-0000-0000000000', leftPad(toString(n), 2, '0'))), s, concat('s', toString(n)), 'what it was for', a, at, m, 'card', side,
    category, 'm1', classified, version, pipeline, run, origin, 'd1', 0, position, hash, 1, 'trace', toDateTime64('2024-06-03 00:00:00', 3, 'UTC')
FROM values('n UInt8, s String, a Decimal(18, 4), at DateTime64(6, \'UTC\'), m Nullable(String), side String, category String, classified DateTime64(6, \'UTC\'),
    version DateTime64(6, \'UTC\'), pipeline String, run String, origin String, position UInt64, hash UInt64',
    (1, 'bank', '12.5', '2024-01-31 23:59:59.999999', 'Market', 'credit', 'Rent', '2024-06-01 12:00:01', '2024-06-01 12:00:00', 'batch', 'r1', 'file:///a.csv', 2, 11),
    (1, 'bank', '-7.25', '2024-02-01 00:00:00', 'Market', 'debit', 'Food', '2024-06-02 12:00:01', '2024-06-02 12:00:00', 'batch', 'r2', 'file:///b.csv', 2, 12),
    (2, 'bank', '-3.0001', '2024-02-29 00:00:00', NULL, 'debit', 'Rent', '2024-06-01 12:00:01', '2024-06-01 12:00:00', 'batch', 'r1', 'file:///a.csv', 3, 29),
    (2, 'crm', '-3.0001', '2024-02-29 00:00:00', NULL, 'debit', 'Rent', '2024-05-01 12:00:01', '2024-05-01 12:00:00', 'batch', 'r0', 'file:///0.csv', 3, 21),
    (3, 'crm', '99999999999999.9999', fromUnixTimestamp64Micro(253402300799999999, 'UTC'), 'Café', 'credit', 'Travel', '2024-06-01 13:00:00', '2024-06-01 13:00:00', 'stream', 'g', 'transactions.in', 10, 31),
    (4, 'crm', '-99999999999999.9999', fromUnixTimestamp64Micro(-62135596800000000, 'UTC'), '', 'debit', 'Travel', '2024-06-01 13:00:00', '2024-06-01 13:00:00', 'stream', 'g', 'transactions.in', 14, 49),
    (6, 'bank', '-1', '1969-12-31 23:59:59.999999', 'Market', 'debit', 'Food', '2024-06-01 12:00:01', '2024-06-01 12:00:00', 'batch', 'r1', 'file:///a.csv', 9, 61));
INSERT INTO outcomes (pipeline, run_id, origin, partition, position, log_id, source, origin_digest, id, content_hash, outcome, code, category, model_version, version,
    classified_at, first_origin, first_position, recorded_at)
SELECT pipeline, run, origin, 0, position, log, s, 'd1', toUUID(concat('00000000-0000-0000-0000-0000000000', leftPad(toString(n), 2, '0'))), hash, outcome, code, category,
    if(outcome = 'stored', 'm1', ''), version, version + toIntervalSecond(outcome = 'stored' AND pipeline = 'batch'), if(outcome = 'duplicate', origin, ''), if(outcome = 'duplicate', 2, 0), recorded
FROM values('pipeline String, run String, origin String, position UInt64, log String, s String, n UInt8, hash UInt64, outcome String, code String, category String,
    version DateTime64(6, \'UTC\'), recorded DateTime64(6, \'UTC\')',
    ('batch', 'r1', 'file:///a.csv', 2, '', 'bank', 1, 11, 'stored', '', 'Rent', '2024-06-01 12:00:00', '2024-06-01 12:05:00'),
    ('batch', 'r1', 'file:///a.csv', 3, '', 'bank', 2, 22, 'stored', '', 'Rent', '2024-06-01 12:00:00', '2024-06-01 12:05:00'),
    ('batch', 'r1', 'file:///a.csv', 3, '', 'bank', 2, 22, 'stored', '', 'Rent', '2024-06-01 12:00:00', '2024-06-01 12:06:00'),
    ('batch', 'r1', 'file:///a.csv', 4, '', 'bank', 0, 0, 'rejected', 'not_a_number', '', '1970-01-01 00:00:00', '2024-06-01 12:05:00'),
    ('batch', 'r1', 'file:///a.csv', 5, '', 'bank', 1, 11, 'duplicate', '', '', '1970-01-01 00:00:00', '2024-06-01 12:05:00'),
    ('batch', 'r1', 'file:///a.csv', 6, '', 'bank', 0, 0, 'rejected', 'missing', '', '1970-01-01 00:00:00', '2024-06-01 12:05:00'),
    ('batch', 'r1', 'file:///a.csv', 7, '', 'bank', 5, 51, 'stored', '', 'Food', '2024-06-01 12:00:00', '2024-06-01 12:05:00'),
    ('batch', 'r1', 'file:///a.csv', 8, '', 'bank', 2, 22, 'stored', '', 'Rent', '2024-06-01 12:00:00', '2024-06-01 12:05:00'),
    ('batch', 'r2', 'file:///b.csv', 2, '', 'bank', 1, 12, 'stored', '', 'Food', '2024-06-02 12:00:00', '2024-06-02 12:05:00'),
    ('stream', 'g', 'transactions.in', 10, 'c/t', 'crm', 3, 31, 'stored', '', 'Travel', '2024-06-01 13:00:00', '2024-06-01 13:00:01'),
    ('stream', 'g', 'transactions.in', 10, '', 'crm', 3, 31, 'stored', '', 'Travel', '2024-06-01 13:00:00', '2024-06-01 13:00:02'),
    ('stream', 'g', 'transactions.in', 11, 'c/t', 'crm', 7, 71, 'stored', '', 'Travel', '2024-06-01 13:00:00', '2024-06-01 13:00:01'),
    ('stream', 'g', 'transactions.in', 12, 'c/t', 'crm', 0, 0, 'dead_letter', 'json', '', '1970-01-01 00:00:00', '2024-06-01 13:00:01'),
    ('stream', 'g', 'transactions.in', 13, 'c/t', 'crm', 0, 0, 'dead_letter', 'json', '', '1970-01-01 00:00:00', '2024-06-01 13:00:01'),
    ('stream', 'g', 'transactions.in', 14, 'c/t', 'crm', 4, 41, 'stored', '', 'Travel', '2024-06-01 13:00:00', '2024-06-01 13:00:01'),
    ('stream', 'g', 'transactions.in', 15, 'c/t', 'bank', 1, 13, 'stored', '', 'Rent', '2024-06-01 11:00:00', '2024-06-01 13:00:01'),
    ('events', 'g', 'events.raw', 20, 'c/e', 'app', 21, 211, 'stored', '', '', '2024-06-01 14:00:00', '2024-06-01 14:00:01'),
    ('events', 'g', 'events.raw', 21, 'c/e', 'app', 21, 211, 'duplicate', '', '', '1970-01-01 00:00:00', '2024-06-01 14:00:01'),
    ('events', 'g', 'events.raw', 22, 'c/e', 'app', 22, 221, 'stored', '', '', '2024-06-01 14:00:00', '2024-06-01 14:00:01'),
    ('events', 'g', 'events.raw', 23, 'c/e', 'app', 23, 0, 'erased', '', '', '1970-01-01 00:00:00', '2024-06-01 14:00:02'),
    ('events', 'g', 'events.raw', 24, 'c/e', 'app', 24, 0, 'dead_letter', 'schema', '', '1970-01-01 00:00:00', '2024-06-01 14:00:01'));
INSERT INTO dead_letters (origin, origin_digest, partition, position, pipeline, source, run_id, id, source_id, content_hash, outcome, column, code, message, raw, state,
    replays, trace_id, first_seen, updated_at, version)
SELECT origin, digest, 0, position, pipeline, s, run, toUUID(concat('00000000-0000-0000-0000-0000000000', leftPad(toString(n), 2, '0'))), if(n = 0, '', concat('s', toString(n))), 0, outcome, column, code,
    'it is wrong', concat('raw ', toString(position)), state, replays, 'trace', seen, seen + toIntervalSecond(1), seen
FROM values('origin String, digest String, position UInt64, pipeline String, s String, run String, n UInt8, outcome String, column String, code String, state String,
    replays UInt16, seen DateTime64(6, \'UTC\')',
    ('file:///a.csv', 'd1', 4, 'batch', 'bank', 'r1', 0, 'rejected', 'amount', 'not_a_number', 'open', 0, '2024-06-01 12:05:00'),
    ('file:///0.csv', 'd0', 2, 'batch', 'bank', 'r0', 1, 'rejected', 'amount', 'not_a_number', 'open', 0, '2024-05-01 12:05:00'),
    ('file:///0.csv', 'd0', 3, 'batch', 'bank', 'r0', 2, 'dead_letter', '', 'refused', 'resolved', 1, '2024-05-01 12:05:00.000001'),
    ('transactions.in', 'c/t', 12, 'stream', 'crm', 'g', 0, 'dead_letter', '', 'json', 'open', 2, '2024-06-01 13:00:01'),
    ('events.raw', 'c/e', 24, 'events', 'app', 'g', 24, 'dead_letter', '/type', 'schema', 'open', 0, '2024-06-01 14:00:01'),
    ('events.raw', 'c/e', 25, 'events', 'app', 'g', 22, 'dead_letter', '/type', 'schema', 'open', 0, '2024-06-01 14:00:01'),
    ('collect', '00000000-0000-0000-0000-0000000000aa', 2, 'events', 'app', '', 26, 'rejected', '/items/2', 'schema', 'open', 0, '2024-06-01 14:00:00'));
INSERT INTO events (event_id, timestamp_stamp, message_id_stamp, correlation_id, type, new_context_account_id, new_context_user_id, context, score, lost_points, data, data_verbatim,
    late, future, package_index, token, received_at, published_at, processed_at, origin, origin_digest, partition, position, content_hash, trace_id, inserted_at)
SELECT toUUID(concat('00000000-0000-0000-0000-0000000000', leftPad(toString(n), 2, '0'))), at, 'm', toUUID('00000000-0000-0000-0000-0000000000aa'), type, account, user, context,
    score, if(score < 1, [('old', 1 - score)], []), '{"a":1}', '{"a":1}', late, 0, place, 'app', published, published, published, 'events.raw', 'c/e', 0, position, n * 10 + 1, 'trace', toDateTime64('2024-06-03 00:00:00', 3, 'UTC')
FROM values('n UInt8, at DateTime64(6, \'UTC\'), type String, account String, user String, context String, score Decimal(9, 4), late UInt8, place Int32, published DateTime64(6, \'UTC\'), position UInt64',
    (21, '2024-06-01 13:59:59.999999', 'Created', 'acme', 'ann', 'financial', 1, 0, 0, '2024-06-01 14:00:00', 20),
    (21, '2024-06-01 13:59:59.999999', 'Created', 'acme', 'ann', 'financial', 0.5, 0, 0, '2024-06-01 14:00:01', 21),
    (22, '1969-12-31 23:59:59.999999', 'Updated', 'acme', 'bob', 'user_activity', 0.75, 1, 1, '2024-06-01 14:00:00', 22),
    (27, fromUnixTimestamp64Micro(253402300799999999, 'UTC'), 'Created', 'other', 'eve', 'financial', 0.25, 0, 3, '2024-06-01 14:00:00', 27));
INSERT INTO events_bronze (id, key, value, headers, origin, partition, position, recorded_at, inserted_at)
SELECT toUUID(concat('00000000-0000-0000-0000-0000000000', leftPad(toString(n), 2, '0'))), 'key', concat('value ', toString(position)),
    [('txflow-token', 'app'), ('txflow-request', 'q'), ('traceparent', '00-trace-span-01'), ('txflow-version', '1717250400000000')], 'events.raw', 0, position, at, '2100-01-01 00:00:00'
FROM values('n UInt8, position UInt64, at DateTime64(3, \'UTC\')', (21, 20, '2024-06-01 14:00:00'), (21, 21, '2024-06-01 14:00:01'), (22, 22, '2024-06-01 14:00:00'),
    (24, 24, '2024-06-01 14:00:00'), (22, 25, '2024-06-01 14:00:01'), (27, 27, '2024-06-01 14:00:00'));
INSERT INTO erased_events (event_id, token, erasure, erased_at) VALUES ('00000000-0000-0000-0000-000000000023', 'app', '00000000-0000-0000-0000-0000000000e0', '2024-06-02 00:00:00');
INSERT INTO erased_messages (origin, origin_digest, partition, position, erased_from, event_id, erasure, erased_at) VALUES
    ('events.raw', 'c/e', 0, 21, 'events', '00000000-0000-0000-0000-000000000021', '00000000-0000-0000-0000-0000000000e0', '2024-06-02 00:00:00'),
    ('events.raw', '1717250400000', 0, 24, 'events_bronze', '00000000-0000-0000-0000-000000000024', '00000000-0000-0000-0000-0000000000e0', '2024-06-02 00:00:00');
INSERT INTO tombstones (hash, scope, key_id, at, erasure, state, requested_at, updated_at) VALUES
    ('ff', 'user', 'k1', '2024-06-02 00:00:00', '00000000-0000-0000-0000-0000000000e0', 'done', '2024-06-02 00:00:00', '2024-06-02 00:00:01'),
    ('aa', 'account', 'k1', '1970-01-01 00:00:00', '00000000-0000-0000-0000-0000000000e1', 'pending', '2024-06-02 00:00:00', '2024-06-02 00:00:01');
INSERT INTO runs (run_id, pipeline, source, status, files, rows_in, accepted, rejected, duplicates, stored, trace_id, started_at, finished_at, lease_until, updated_at) VALUES
    ('r1', 'batch', 'bank', 'done', 1, 9, 7, 2, 1, 4, 'trace-b', '2024-06-01 12:00:00', '2024-06-01 12:05:00', NULL, '2024-06-01 12:05:00'),
    ('r2', 'batch', 'bank', 'running', 1, 0, 0, 0, 0, 0, '', '2024-06-02 12:00:00', NULL, '2024-06-02 12:01:00', '2024-06-02 12:00:00'),
    ('r3', 'batch', 'crm', 'failed', 1, 0, 0, 0, 0, 0, '', '2024-06-02 12:00:00', '2024-06-02 12:00:01', NULL, '2024-06-02 12:00:00');
INSERT INTO task_runs (run_id, task, task_index, try, status, exit_code, rows_in, started_at, duration_ms, trace_id, manifest, updated_at) VALUES
    ('r1', 'validate', -1, 1, 'done', 0, 9, '2024-06-01 12:00:00', 10, 'trace-a', '{}', '2024-06-01 12:00:01'),
    ('r1', 'split', -1, 1, 'failed', 75, 9, '2024-06-01 12:01:00', 10, 'trace-b', '{}', '2024-06-01 12:01:01'),
    ('r1', 'split', -1, 2, 'done', 0, 9, '2024-06-01 12:01:00', 10, 'trace-c', '{}', '2024-06-01 12:01:02');
INSERT INTO pipeline_comparisons (every_source, source, baseline, until, compared_at) VALUES (0, 'bank', 1717243200000000, '2024-06-01 12:00:00', '2024-06-02 00:00:00');
