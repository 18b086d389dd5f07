-- Sources of dead letters with an id as the source wrote it.
SELECT DISTINCT
    id,
    source
FROM dead_letters
WHERE source_id = {id:String} AND id != toUUID('00000000-0000-0000-0000-000000000000')
ORDER BY source, id
LIMIT 20
