package main

import "time"

// processCPU is not known here of a process that runs.
func processCPU(int) time.Duration { return 0 }
