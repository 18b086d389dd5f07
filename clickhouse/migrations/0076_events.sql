-- As many merges as for transactions, half of what there were. And ZSTD(1), which compresses these columns no worse than ZSTD(3)
-- does: of an insert of 2,500 rows it takes 57 ms of processor time, not 68.
ALTER TABLE events
    MODIFY COLUMN data_verbatim CODEC(ZSTD(1)),
    MODIFY COLUMN attributes CODEC(ZSTD(1)),
    MODIFY COLUMN extra CODEC(ZSTD(1)),
    MODIFY SETTING merge_selector_base = 12;
