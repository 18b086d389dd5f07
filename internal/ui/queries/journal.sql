-- When the journal of categories was last renewed, and what went wrong since.
SELECT
    max(last_success_time) AS renewed,
    any(exception) AS exception
FROM system.view_refreshes
WHERE database = currentDatabase() AND view = 'category_entries_refresh'
