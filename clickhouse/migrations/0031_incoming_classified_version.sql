-- Rows come in with their version, and with an exact amount and time, whichever way a writer states them.
ALTER TABLE incoming_classified
    ADD COLUMN IF NOT EXISTS version_us Int64 COMMENT 'microseconds since 1970: how new the contents are; 0: as new as the classification',
    ADD COLUMN IF NOT EXISTS amount Decimal(18, 4) DEFAULT reinterpret(amount_e4, 'Decimal(18, 4)'),
    ADD COLUMN IF NOT EXISTS timestamp DateTime64(6, 'UTC') DEFAULT fromUnixTimestamp64Micro(timestamp_us, 'UTC');
