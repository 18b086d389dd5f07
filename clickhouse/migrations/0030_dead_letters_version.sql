-- How new the contents of a dead letter are: as new as its judgement, where nothing else is known. And the trace that its
-- message came with, which a replay goes on with.
ALTER TABLE dead_letters
    ADD COLUMN IF NOT EXISTS version DateTime64(6, 'UTC') DEFAULT first_seen COMMENT 'how new the contents are',
    ADD COLUMN IF NOT EXISTS traceparent String COMMENT 'W3C, of the message; empty without one';
