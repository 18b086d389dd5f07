-- As 0076 does for events.
ALTER TABLE events_bronze
    MODIFY COLUMN value CODEC(ZSTD(1)),
    MODIFY SETTING merge_selector_base = 12;
