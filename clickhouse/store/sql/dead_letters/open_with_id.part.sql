-- The open dead letters of a source that have an id.
-- Parameters: source.
dead_letters FINAL
WHERE state = 'open' AND source = {source:String} AND id != toUUID('00000000-0000-0000-0000-000000000000')
