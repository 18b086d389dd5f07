package main

import "syscall"

// maxRSS is in bytes, as macOS counts (getrusage(2)).
func maxRSS(u *syscall.Rusage) int64 { return u.Maxrss }
