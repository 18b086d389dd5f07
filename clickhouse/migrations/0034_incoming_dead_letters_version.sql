-- Dead letters come in with their version and their message's trace.
ALTER TABLE incoming_dead_letters
    ADD COLUMN IF NOT EXISTS version_us Int64 COMMENT 'microseconds since 1970: how new the contents are; 0: as new as the judgement',
    ADD COLUMN IF NOT EXISTS traceparent String;
