-- Most dead letters are closed, sooner or later. With this, looking for those that are open does not read the others.
ALTER TABLE dead_letters ADD INDEX IF NOT EXISTS by_state state TYPE set(4) GRANULARITY 1;
