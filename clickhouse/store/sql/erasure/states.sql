-- The erasures of all persons, or of one; the one that was requested first first.
-- Parameters: hash (empty: all).
-- Cost: all tombstones, or one by the primary key.
SELECT hash, scope, key_id, toUnixTimestamp64Micro(at), toString(erasure), state = 'done', requested_at
FROM tombstones FINAL
WHERE ({hash:String} = '' OR hash = {hash:String})
ORDER BY requested_at, hash
