package main

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// maxRSS is in bytes; Linux counts in KiB (getrusage(2)). It is at least what the bench itself had when it started the
// process: see peakRSS.
func maxRSS(u *syscall.Rusage) int64 { return u.Maxrss << 10 }

// peakRSS is the most that a running process had resident, in bytes, as /proc gives it for the program that it runs now
// (proc_pid_status(5)); 0 where it gives nothing. A process shares its parent's memory until it runs its own program,
// and its resource usage counts that.
func peakRSS(pid int) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	_, after, _ := bytes.Cut(text, []byte("\nVmHWM:"))
	if fields := bytes.Fields(after); len(fields) > 0 {
		if kib, err := strconv.ParseInt(string(fields[0]), 10, 64); err == nil {
			return kib << 10
		}
	}
	return 0
}
