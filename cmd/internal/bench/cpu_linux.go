package main

import (
	"bytes"
	"os"
	"strconv"
	"time"
)

// processCPU is the processor time that a running process has used, as /proc gives it in hundredths of a second
// (proc_pid_stat(5)); 0 where it gives none.
func processCPU(pid int) time.Duration {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	const user, system = 11, 12 // after the name, which may hold spaces
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) <= system {
		return 0
	}
	var sum time.Duration
	for _, f := range [][]byte{fields[user], fields[system]} {
		n, err := strconv.Atoi(string(f))
		if err != nil {
			return 0
		}
		sum += time.Duration(n) * 10 * time.Millisecond
	}
	return sum
}
