package main

import (
	"fmt"
	"syscall"
	"time"
)

// standstill is how long a count may stay the same before the benchmark gives up waiting.
const standstill = 2 * time.Minute

// advance is a wait for a count that grows.
type advance struct {
	count int
	since time.Time
}

// at is an error when the count has stayed the same for too long.
func (a *advance) at(what string, count int) error {
	if count != a.count || a.since.IsZero() {
		a.count, a.since = count, time.Now()
	}
	if age := time.Since(a.since); age > standstill {
		return fmt.Errorf("the number of %s stays at %d for %s", what, count, age.Round(time.Second))
	}
	return nil
}

// endTime is how long a service that was stopped may take.
const endTime = time.Minute

// wait waits for a service that was stopped, and kills it where it does not.
func (s *service) wait() error {
	timer := time.AfterFunc(endTime, func() { _ = s.cmd.Process.Signal(syscall.SIGKILL) })
	defer timer.Stop()
	return s.cmd.Wait()
}
