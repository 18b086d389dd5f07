package collect

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/jsontext"
)

// Audit is the log of who sent which package when, and what became of it: a JSON object a line, never what was sent. No
// answer says more than the log does: one that can not be recorded is 503.
type Audit struct {
	path string

	mu   sync.Mutex // held for moments
	next *lines     // that wait; nil: none

	writing sync.Mutex // held while lines are written
	file    *os.File
	checked time.Time // when the path was last looked at
	free    []byte    // memory for lines
}

// lines are those of several requests, which are written together: what comes while lines are written waits, and is the
// next to be written.
type lines struct {
	text    []byte
	written bool
	err     error
}

// NewAudit opens a file, whose folder it makes. A file that is moved is made again, so that logs can be rotated.
func NewAudit(path string) (*Audit, error) {
	a := &Audit{path: path}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fault.Fail(fault.ExitUnavailable, fmt.Errorf("the audit log: %w", err))
	}
	if err := a.open(); err != nil {
		return nil, fault.Fail(fault.ExitUnavailable, fmt.Errorf("the audit log: %w", err))
	}
	return a, nil
}

func (a *Audit) open() (err error) {
	a.file, err = os.OpenFile(a.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	return err
}

// entry is a line of the log.
type entry struct {
	at             time.Time
	request        string
	token, address string
	method, route  string // route is ours, not the sender's
	status         int
	code           string
	correlation    event.ID // zero: none
	items          int
	accepted       int
	rejected       int
	unwritten      int
	bytes          int
	key            bool // it came with an Idempotency-Key
	traceID        string
	took           time.Duration
}

// write appends a line, in one piece, and returns when it is in the file.
func (a *Audit) write(e *entry) error {
	a.mu.Lock()
	if a.next == nil {
		a.next, a.free = &lines{text: a.free[:0]}, nil
	}
	mine := a.next
	mine.text = e.append(mine.text)
	a.mu.Unlock()

	a.writing.Lock()
	defer a.writing.Unlock()
	if mine.written { // by another request
		return mine.err
	}
	a.mu.Lock()
	a.next = nil // mine gets no more
	a.mu.Unlock()
	mine.written, mine.err = true, a.append(mine.text)
	a.mu.Lock()
	a.free, mine.text = mine.text, nil
	a.mu.Unlock()
	return mine.err
}

// append writes to the file. The lock for writing is held.
func (a *Audit) append(text []byte) error {
	if now := time.Now(); a.file == nil || now.Sub(a.checked) >= recheck {
		a.checked = now
		if err := a.follow(); err != nil {
			return err
		}
	}
	_, err := a.file.Write(text)
	return err
}

// follow opens the file again when its path leads to another one, or to none.
func (a *Audit) follow() error {
	if a.file != nil {
		there, err := os.Stat(a.path)
		here, hereErr := a.file.Stat()
		if err == nil && hereErr == nil && os.SameFile(there, here) {
			return nil
		}
		_ = a.file.Close() // each line was written in one piece
		a.file = nil
	}
	return a.open()
}

// Close closes the file.
func (a *Audit) Close() error {
	a.writing.Lock()
	defer a.writing.Unlock()
	if a.file == nil {
		return nil
	}
	return a.file.Close()
}

// append appends the line. It is written by hand: each request has one, and encoding/json takes 7 µs, this one.
func (e *entry) append(b []byte) []byte {
	b = append(b, `{"at":"`...)
	b = e.at.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000Z")
	for _, field := range [...]struct{ name, value string }{{"request", e.request}, {"token", e.token}, {"address",
		e.address}, {"method", e.method}, {"route", e.route}, {"code", e.code}, {"trace_id", e.traceID}} {
		if field.value != "" {
			b = append(append(append(b, `","`...), field.name...), `":"`...)
			b = jsontext.Append(b, field.value)
		}
	}
	if e.correlation != (event.ID{}) {
		b = e.correlation.Append(append(b, `","correlation":"`...))
	}
	b = append(b, '"')
	for _, field := range [...]struct {
		name  string
		value int
	}{{"status", e.status}, {"items", e.items}, {"accepted", e.accepted}, {"rejected", e.rejected}, {"unwritten",
		e.unwritten}, {"bytes", e.bytes}, {"took_us", int(e.took.Microseconds())}} {
		b = append(append(append(b, `,"`...), field.name...), `":`...)
		b = strconv.AppendInt(b, int64(field.value), 10)
	}
	b = strconv.AppendBool(append(b, `,"idempotency_key":`...), e.key)
	return append(b, "}\n"...)
}
