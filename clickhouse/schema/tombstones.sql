-- Generated from clickhouse/migrations; do not edit.
CREATE TABLE tombstones
(
    `hash` String COMMENT 'HMAC-SHA-256 of the user, the account, or both, in hexadecimal',
    `scope` LowCardinality(String) COMMENT 'what the hash is of: user, account or user_of_account',
    `key_id` LowCardinality(String) COMMENT 'names the key, which is not here',
    `at` DateTime64(6, 'UTC') COMMENT 'events that were published before are erased; zero before Kafka has the tombstone',
    `erasure` UUID COMMENT 'that the tombstone is of',
    `state` Enum8('pending' = 1, 'done' = 2),
    `requested_at` DateTime64(6, 'UTC'),
    `updated_at` DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY hash
SETTINGS index_granularity = 8192;
