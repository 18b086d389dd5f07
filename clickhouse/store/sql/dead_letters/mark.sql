-- Gives open dead letters another state, by a row that is later than the one that it replaces, whoever's clock that is from.
-- What is not open stays as it is: the state is asked for inside, where it is not replaced yet.
-- Parameters: state. Texts: keys, a condition that selects them by their keys.
-- Cost: the granules of the keys, by the primary key.
INSERT INTO dead_letters
SELECT * REPLACE (
    CAST({state:String}, toTypeName(state)) AS state,
    greatest(now64(6, 'UTC'), updated_at + toIntervalMicrosecond(1)) AS updated_at)
FROM (SELECT * FROM dead_letters FINAL WHERE ({{keys}}) AND state = 'open')
