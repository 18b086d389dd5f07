-- How new the contents of a row are: the row that wins has the greatest (version, classified_at). Rows of before are as new
-- as their classification, and so are those of writers that know no version yet. The table's engine still looks at
-- classified_at alone; the migrations that follow change that.
ALTER TABLE transactions
    ADD COLUMN IF NOT EXISTS version DateTime64(6, 'UTC') DEFAULT classified_at COMMENT 'how new the contents are' AFTER classified_at,
    ADD COLUMN IF NOT EXISTS row_version UInt128 MATERIALIZED bitOr(bitShiftLeft(toUInt128(greatest(toUnixTimestamp64Micro(version), 0)), 64), toUInt128(greatest(toUnixTimestamp64Micro(classified_at), 0))) COMMENT '(version, classified_at) as one number' CODEC(ZSTD(1)) AFTER inserted_at;
