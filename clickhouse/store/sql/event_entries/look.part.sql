-- The time of a look, as entered_at has it.
fromUnixTimestamp64Micro({look:Int64}, 'UTC')
