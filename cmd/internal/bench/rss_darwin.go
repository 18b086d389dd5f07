package main

import "syscall"

// maxRSS is in bytes, as macOS counts (getrusage(2)).
func maxRSS(u *syscall.Rusage) int64 { return u.Maxrss }

// peakRSS is not known here of a process that runs.
func peakRSS(int) int64 { return 0 }
