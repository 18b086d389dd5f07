package main

import "syscall"

// maxRSS is in bytes; Linux counts in KiB (getrusage(2)).
func maxRSS(u *syscall.Rusage) int64 { return u.Maxrss << 10 }
