package refine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace/noop"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/pipeline"
)

const logID = "cluster/topic"

// log is events.raw and what a group committed of it, in memory; it implements pipeline.Session. Its faults are
// random: aborted transactions, revoked partitions, members that die.
type log struct {
	r      *rand.Rand
	faults bool
	end    context.CancelFunc

	mu        sync.Mutex
	raw       [][]pipeline.Message // by partition
	committed []int                // by partition
	next      []int
	epoch     uint64
	assigned  bool
	crashed   bool
	old       bool // the member is of a release that writes no claims
	written   []pipeline.Record
	at        []int64        // when, by the log's time
	reads     map[string]int // by topic, messages that windows were restored from
	aborts    int
}

var errCrash = errors.New("killed")

func (l *log) Poll(_ context.Context, limit int, _ time.Duration) (p pipeline.Polled, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	done := true
	for i := range l.raw {
		done = done && l.committed[i] == len(l.raw[i])
	}
	if done {
		l.end()
	}
	if l.faults && l.assigned && l.r.IntN(25) == 0 {
		l.epoch++
		l.assigned = false
		copy(l.next, l.committed)
		for i := range l.raw {
			p.Revoked = append(p.Revoked, pipeline.Partition{Topic: events.Raw, Number: int32(i)})
		}
	}
	if !l.assigned {
		l.assigned = true
		for i := range l.raw {
			a := pipeline.Assignment{Partition: pipeline.Partition{Topic: events.Raw, Number: int32(i)}, LogID: logID,
				Next: int64(l.committed[i])}
			if a.Next > 0 && l.r.IntN(3) > 0 {
				a.Version = l.raw[i][l.committed[i]-1].LogVersion
			} else if a.Next == 0 {
				a.Next = -1
			}
			p.Assigned = append(p.Assigned, a)
		}
	}
	for i := range l.raw {
		n := min(limit, len(l.raw[i])-l.next[i])
		if l.faults && n > 0 {
			n = l.r.IntN(n + 1)
		}
		for _, m := range l.raw[i][l.next[i] : l.next[i]+n] {
			m.Epoch = l.epoch
			p.Messages = append(p.Messages, m)
		}
		l.next[i] += n
	}
	return p, nil
}

func (l *log) KeepAlive(context.Context) error { return nil }

func (l *log) Commit(_ context.Context, records []pipeline.Record, done []pipeline.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.crashed {
		return errCrash
	}
	if done[0].Epoch != l.epoch {
		return fmt.Errorf("%w: of an older epoch", pipeline.ErrAborted)
	}
	switch {
	case l.faults && l.r.IntN(8) == 0:
		l.epoch++
		copy(l.next, l.committed)
		l.aborts++
		return fmt.Errorf("%w: lost", pipeline.ErrAborted)
	case l.faults && l.r.IntN(20) == 0: // before the commit
		l.crashed = true
		return errCrash
	}
	last := map[int32]int64{}
	for i := range done {
		last[done[i].Partition] = done[i].LogVersion
	}
	for i := range records { // the caller uses its memory again
		r := records[i]
		if l.old && r.Topic == events.Claims {
			continue
		}
		r.Key, r.Value, r.Headers = bytes.Clone(r.Key), bytes.Clone(r.Value), slices.Clone(r.Headers)
		for j := range r.Headers {
			r.Headers[j].Value = bytes.Clone(r.Headers[j].Value)
		}
		l.written, l.at = append(l.written, r), append(l.at, last[r.Partition])
	}
	for i := range done {
		l.committed[done[i].Partition] = int(done[i].Offset) + 1
	}
	if l.faults && l.r.IntN(20) == 0 { // after it
		l.crashed = true
		return errCrash
	}
	return nil
}

// topic is what a member wrote to one; it implements Topic.
type topic struct {
	l    *log
	name string
}

func (t topic) Read(_ context.Context, since map[int32]time.Time, visit func(*pipeline.Message) error) error {
	t.l.mu.Lock()
	defer t.l.mu.Unlock()
	for i := range t.l.written {
		r := &t.l.written[i]
		at, ok := since[r.Partition]
		if r.Topic != t.name || !ok || !at.IsZero() && t.l.at[i] < at.UnixMicro() {
			continue
		}
		t.l.reads[t.name]++
		if err := visit(&pipeline.Message{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value,
			Headers: r.Headers}); err != nil {
			return err
		}
	}
	return nil
}

// add appends a message to a partition.
func (l *log) add(partition int, e *event.Event, at int64) *pipeline.Message {
	for len(l.raw) <= partition {
		l.raw, l.committed, l.next = append(l.raw, nil), append(l.committed, 0), append(l.next, 0)
	}
	m := pipeline.Message{Topic: events.Raw, LogID: logID, Partition: int32(partition),
		Offset: int64(len(l.raw[partition])),
		Key:    []byte(e.ID.String()), Value: events.AppendRaw(events.AppendHeader(nil, 7), e), LogVersion: at, Version: at}
	l.raw[partition] = append(l.raw[partition], m)
	return &l.raw[partition][m.Offset]
}

type ignore struct{}

func (ignore) Begin(int)          {}
func (ignore) End(pipeline.Stats) {}

func config(t testing.TB, l *log) Config {
	t.Helper()
	rules, err := OpenRules("", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if l.reads == nil {
		l.reads = map[string]int{}
	}
	return Config{Now: time.Now, Log: slog.New(slog.DiscardHandler), Rules: rules, Window: DefaultWindow,
		MaxIDs: DefaultMaxIDs, Claims: topic{l, events.Claims}, Silver: topic{l, events.Silver}}
}

// member runs a member until all is done, or it dies.
func (l *log) member(t *testing.T, h *Handler) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	l.end = cancel
	l.assigned, l.crashed = false, false
	copy(l.next, l.committed)
	return pipeline.New(l, h, pipeline.Config{Name: events.Name, Ledger: events.Ledger, Topic: events.Raw,
		DeadLetters: events.DeadLetters,
		Group:       events.Group, Now: time.Now, Tracer: noop.NewTracerProvider().Tracer(""),
		Log:      slog.New(slog.DiscardHandler),
		Observer: ignore{}, BatchMessages: 40, MaxMessage: 600_000, DrainLimit: time.Minute}).Run(ctx)
}

func header(headers []pipeline.Header, name string) string {
	for _, h := range headers {
		if h.Name == name {
			return string(h.Value)
		}
	}
	return ""
}

// results are what was written of messages, without the claims.
func (l *log) results() (records []pipeline.Record) {
	for i := range l.written {
		if l.written[i].Topic != events.Claims {
			records = append(records, l.written[i])
		}
	}
	return records
}
