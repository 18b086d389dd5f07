-- Generated from clickhouse/migrations; do not edit.
CREATE MATERIALIZED VIEW category_entries_refresh
REFRESH EVERY 1 MINUTE APPEND TO category_entries
(
    `id` UUID,
    `day` Date32,
    `category` LowCardinality(String),
    `side` Enum8('debit' = 1, 'credit' = 2),
    `amount` Decimal(18, 4),
    `row_version` UInt128,
    `sign` Int8
)
DEFINER = default SQL SECURITY DEFINER
AS WITH
    (
        SELECT max(entered_at)
        FROM category_entries
    ) AS last,
    if(last = toDateTime64(0, 3, 'UTC'), last, least(last, now64(3, 'UTC')) - toIntervalMinute(10)) AS since,
    recent AS
    (
        SELECT
            id,
            toDate32(timestamp) AS day,
            category,
            side,
            amount,
            row_version
        FROM transactions
        WHERE inserted_at >= since
    )
SELECT
    id,
    day,
    category,
    side,
    amount,
    row_version,
    sign
FROM
(
    SELECT
        id,
        day,
        category,
        side,
        amount,
        row_version,
        CAST((row_number() OVER (PARTITION BY id ORDER BY row_version DESC, day ASC, category ASC, side ASC, amount ASC) = 1) - entered, 'Int8') AS sign
    FROM
    (
        SELECT
            id,
            day,
            category,
            side,
            amount,
            row_version,
            sum(sign) AS entered
        FROM
        (
            SELECT
                id,
                day,
                category,
                side,
                amount,
                row_version,
                CAST(0, 'Int8') AS sign
            FROM recent
            UNION ALL
            SELECT
                id,
                day,
                category,
                side,
                amount,
                row_version,
                sign
            FROM category_entries
            WHERE id IN (
                SELECT id
                FROM recent
            )
        )
        GROUP BY
            id,
            day,
            category,
            side,
            amount,
            row_version
    )
)
WHERE sign != 0
SETTINGS max_bytes_before_external_group_by = 268435456, max_bytes_before_external_sort = 268435456;
