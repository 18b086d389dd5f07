-- Parts that were written, merged or mutated since the first ledger entry of a run was recorded, by the clock of the same
-- server: a run's rows can only be in these.
_part IN (
    SELECT name FROM system.parts
    WHERE database = currentDatabase() AND table = 'transactions' AND active AND modification_time >= (
        SELECT min(recorded_at) - toIntervalMinute(1) FROM outcomes
        WHERE pipeline = {pipeline:String} AND run_id = {run:String}))
