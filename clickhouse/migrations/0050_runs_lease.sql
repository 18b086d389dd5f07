-- Until when the process that works on the whole run says it does; a run that is under way longer than that is interrupted.
ALTER TABLE runs ADD COLUMN IF NOT EXISTS lease_until Nullable(DateTime64(3, 'UTC'));
