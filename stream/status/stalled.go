package status

import (
	"fmt"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/display"
)

// Reader is what a database says of its own consumer of a topic. Times are ages by its clock, -1 for never.
type Reader struct {
	Table     string
	Missing   bool          // the table is not attached: nobody reads
	Consumers int           // 0: none was made yet
	Uptime    time.Duration // of the database
	Polled    time.Duration // since it last asked Kafka for messages
	Committed time.Duration // since it last committed offsets
	Failed    time.Duration // since its last exception
	Error     string        // that exception
}

// Cause is why a reader stalls.
type Cause int

// Causes, which call for different actions.
const (
	Progresses Cause = iota // or nothing waits
	Detached                // the table is not there: attach it
	Hangs                   // its consumer does not ask for messages: it needs a new one
	Fails                   // it reads, and can not store: see the exception
)

// Verdict says whether a reader progresses.
type Verdict struct {
	Cause Cause
	Text  string // why not, for people; "" when it does
}

// DefaultStalled is how long messages may wait for a reader that commits nothing before it counts as stalled. A block
// takes seconds at most.
const DefaultStalled = 30 * time.Second

// Judge decides from two looks at the reader's group whether it progresses while messages wait. It needs no memory: the
// second look may come right after the first.
func Judge(before, now Look, r *Reader, limit time.Duration) Verdict {
	if r.Missing {
		return Verdict{Detached, fmt.Sprintf("the table %s is not attached: ClickHouse does not read %s", r.Table, now.Topic)}
	}
	lag, waited := int64(0), time.Duration(0)
	for _, p := range now.Partitions {
		lag += p.Lag()
		if p.Lag() > 0 && !p.Oldest.IsZero() {
			waited = max(waited, now.At.Sub(p.Oldest))
		}
	}
	if lag == 0 || advanced(before, now) {
		return Verdict{}
	}
	failed := r.Failed >= 0 && (r.Committed < 0 || r.Failed <= r.Committed) // since the last commit
	cause := Fails
	var text string
	switch quiet := min(waited, r.Uptime); {
	case r.Uptime <= limit || quiet <= limit && r.Polled <= limit:
		return Verdict{} // it may be about to read them
	case r.Consumers == 0 || r.Polled < 0:
		cause, text = Hangs, "it never asked Kafka for messages"
	case r.Polled > limit:
		cause, text = Hangs, fmt.Sprintf("it last asked Kafka for messages %s ago", r.Polled)
	case r.Committed >= 0 && r.Committed <= limit && !failed:
		return Verdict{} // it reads a backlog
	case r.Committed < 0:
		text = "it reads and has stored nothing"
	default:
		text = fmt.Sprintf("it reads and last stored something %s ago", r.Committed)
	}
	text = fmt.Sprintf("%s does not progress with %s waiting: %s", r.Table, display.Count(lag, "message"), text)
	if r.Error != "" && (failed || cause == Hangs) {
		line, _, _ := strings.Cut(r.Error, "\n")
		text += fmt.Sprintf("; its last exception, %s ago: %s", r.Failed, line)
	}
	return Verdict{cause, text}
}

func advanced(before, now Look) bool {
	former := map[int32]int64{}
	for _, p := range before.Partitions {
		former[p.Number] = p.Next()
	}
	for _, p := range now.Partitions {
		if next, ok := former[p.Number]; ok && p.Next() > next {
			return true
		}
	}
	return false
}
