-- What came in a package, by place: its events in gold, and what the collector refused. The ids are found by an index, which
-- FINAL would not use.
-- Parameters: package, its correlation id.
-- Cost: the granules that may hold the package, by the index by_package, and those of its ids; of dead_letters those of the
-- package, by the primary key.
SELECT place, id, t, state
FROM
(
    SELECT package_index AS place, toString(event_id) AS id, toString(type) AS t, 'gold' AS state
    FROM events FINAL
    WHERE event_id IN (SELECT event_id FROM events WHERE correlation_id = toUUIDOrZero({package:String}))
        AND correlation_id = toUUIDOrZero({package:String})
    UNION ALL
    SELECT toInt32(least(position, 2147483647)), toString(id), '', 'dead_letter'
    FROM dead_letters FINAL
    WHERE pipeline = 'events' AND origin = 'collect' AND origin_digest = {package:String} AND partition = 0
)
ORDER BY place, id, state
LIMIT 10000
