// Package failpoint ends a process at a named point of its work, so that tests can prove what a crash there does. Which
// point it is, an environment variable says; without it a point costs a comparison with nil.
package failpoint

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

// Env names the environment variable; Point.Env writes it. It is for tests.
const Env = "TXFLOW_TEST_FAIL_POINT"

// Name is a point that a process passes again and again.
type Name string

// The points of a stream member's transaction.
const (
	Polled     Name = "polled"     // it has read a batch
	Producing  Name = "producing"  // it has all answers and a transaction that is open and empty
	Produced   Name = "produced"   // the results are handed to the client, the offsets are not
	Committing Name = "committing" // results and offsets are at the broker
	Committed  Name = "committed"  // the broker has confirmed
)

// The points of txflow events forget.
const (
	Requested Name = "requested" // ClickHouse knows of the erasure, nobody else does
	Forgotten Name = "forgotten" // the tombstone is in Kafka
	Noted     Name = "noted"     // what is to be erased is noted; each table's part of it is a passage
	Rewritten Name = "rewritten" // an archived object is written without the person
	Erased    Name = "erased"    // the ledger says so, and the rows are there still
	Deleted   Name = "deleted"   // the rows are not there any more
)

var names = []Name{Polled, Producing, Produced, Committing, Committed, Requested, Forgotten, Noted, Rewritten, Erased,
	Deleted}

// Point says where a process sends itself a signal.
type Point struct {
	Name   Name
	Nth    int32          // passage, counted from 1
	Held   time.Duration  // the goroutine stands still for so long first; others go on
	Late   time.Duration  // or the signal comes so much later, while it goes on
	Signal syscall.Signal // any that ends a process
}

// Env is the entry of an environment that arms the point.
func (p Point) Env() string {
	return fmt.Sprintf("%s=%s %d %d %d %d", Env, p.Name, p.Nth, int64(p.Held), int64(p.Late), int(p.Signal))
}

// Reached is the event, a line of JSON on stderr, with which a process announces that it ends itself.
type Reached struct {
	Event string `json:"event"` // "fail_point"
	Name  Name   `json:"name"`
	Nth   int32  `json:"nth"`
}

type armed struct {
	Point
	passed atomic.Int32
	stderr io.Writer
	kill   func(syscall.Signal)
}

// point is nil unless the environment arms one.
var point = fromEnv()

func fromEnv() *armed {
	text, ok := os.LookupEnv(Env)
	if !ok {
		return nil
	}
	p, err := parse(text)
	if err != nil { // a test that arms nothing would prove nothing
		fmt.Fprintf(os.Stderr, "%s: %v\n", Env, err)
		os.Exit(64)
	}
	// a process may signal itself
	return &armed{Point: p, stderr: os.Stderr, kill: func(s syscall.Signal) { _ = syscall.Kill(os.Getpid(), s) }}
}

func parse(text string) (p Point, err error) {
	if _, err := fmt.Sscan(text, &p.Name, &p.Nth, &p.Held, &p.Late, &p.Signal); err != nil {
		return p, fmt.Errorf("%q is not NAME NTH HELD LATE SIGNAL: %w", text, err)
	}
	if !slices.Contains(names, p.Name) || p.Nth < 1 {
		return p, fmt.Errorf("%q: the names are %v, passages count from 1", text, names)
	}
	return p, nil
}

// Pass is called where the process passes a point.
func Pass(name Name) {
	if point != nil {
		point.pass(name)
	}
}

func (a *armed) pass(name Name) {
	if name != a.Name || a.passed.Add(1) != a.Nth {
		return
	}
	line, _ := json.Marshal(Reached{"fail_point", name, a.Nth}) // strings and a number
	_, _ = a.stderr.Write(append(line, '\n'))                   // it ends in any case
	if a.Late > 0 {
		time.AfterFunc(a.Late, func() { a.kill(a.Signal) })
		return
	}
	if a.Held > 0 {
		<-time.After(a.Held)
	}
	a.kill(a.Signal)
}
