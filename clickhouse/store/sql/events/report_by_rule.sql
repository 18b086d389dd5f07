-- Events as they are now that lost points by a rule of the score, added up by rule; the second key is empty. The most events
-- first, then by the rule.
-- Parameters: those of reported.
-- Cost: the columns that it names of all events.
SELECT toString(lost.rule) AS first_key, '' AS second_key, {{events/measures.part}}
FROM events AS e FINAL
ARRAY JOIN lost_points AS lost
WHERE {{events/reported.part}}
GROUP BY first_key
ORDER BY count() DESC, first_key
