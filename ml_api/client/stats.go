package client

import (
	"sync/atomic"
	"time"
)

// Stats are counts since the client was made.
type Stats struct {
	Attempts   int64         // HTTP calls to /predict
	Answered   int64         // of them, with a checked answer
	Refused    int64         // of them, with the content blamed
	Throttled  int64         // of them, with 429
	Faults     int64         // of them, failed on the way, with 5xx, or with an answer that can not be used
	BadAnswers int64         // of the faults, answers that can not be used
	Retries    int64         // waits before another attempt
	Rows       int64         // transactions that got a category
	DeadRows   int64         // transactions that the API refused, each alone
	Waited     time.Duration // in backoff, Retry-After and for the open breaker, over all batches
	InFlight   int           // calls now
	Limit      int           // calls in flight that the adaptive limit allows now
	Breaker    string        // closed, open or half-open
}

type counters struct {
	attempts, answered, refused, throttled, faults, badAnswers, retries, rows, deadRows, waited atomic.Int64
}

func (c *counters) attempt(v verdict, o *outcome) {
	c.attempts.Add(1)
	switch v {
	case answered:
		c.answered.Add(1)
	case refused:
		c.refused.Add(1)
	case throttled:
		c.throttled.Add(1)
	case transient:
		c.faults.Add(1)
		if isBadAnswer(o.err) {
			c.badAnswers.Add(1)
		}
	}
}

// Stats returns the counts so far.
func (c *Client) Stats() Stats {
	s := Stats{
		Attempts: c.counts.attempts.Load(), Answered: c.counts.answered.Load(), Refused: c.counts.refused.Load(),
		Throttled: c.counts.throttled.Load(), Faults: c.counts.faults.Load(), BadAnswers: c.counts.badAnswers.Load(),
		Retries: c.counts.retries.Load(), Rows: c.counts.rows.Load(), DeadRows: c.counts.deadRows.Load(),
		Waited: time.Duration(c.counts.waited.Load()), Breaker: c.breaker.State().String(),
	}
	s.Limit, s.InFlight = c.limiter.state()
	return s
}
