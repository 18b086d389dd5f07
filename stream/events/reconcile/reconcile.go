// Package reconcile proves what became of each event that was accepted: it reads events.raw itself, up to what refine
// has committed, and looks for each message in gold, as a duplicate of one that is there, or among the dead letters.
package reconcile

import (
	"context"
	"fmt"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/deadletter"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/reconcile"
)

// Tables are what ClickHouse holds.
type Tables interface {
	// EventLedger returns the entries of a range, by their offsets.
	EventLedger(ctx context.Context, r ledger.StreamRange) ([]ledger.StreamEntry, error)
	// EventClaims calls visit with each message of these ids that the ledger calls stored, or erased, with 0 for
	// the hash of its contents, in a log (CLUSTER_ID/TOPIC_ID).
	EventClaims(ctx context.Context, log string, ids []event.ID,
		visit func(id event.ID, partition int32, position, contentHash uint64)) error
	// EventsStored calls visit for each of the ids that gold has, with the message that it is from.
	EventsStored(ctx context.Context, ids []event.ID,
		visit func(id event.ID, partition int32, position, contentHash uint64)) error
	// EventDeadLetters returns the offsets of a range that have a dead letter.
	EventDeadLetters(ctx context.Context, r ledger.StreamRange) (map[int64]bool, error)
	DeadLetters(ctx context.Context, q ledger.DeadLetterQuery) ([]ledger.DeadLetterState, error)
	MarkDeadLetters(ctx context.Context, deadLetters []ledger.DeadLetterState, state string) error
}

// Config says what to reconcile.
type Config struct {
	Limit     int  // findings kept of each kind
	AcceptGap bool // what retention deleted is no finding any longer
	// Read waits until ClickHouse has read all results that are there now.
	Read func(ctx context.Context) error
}

// Bounds of what is compared at once.
const (
	chunk      = 6_000
	chunkBytes = 16 << 20
)

// Run reconciles what the group has committed since the last time, and records how far it came when there are no
// findings. Observe gets the number of messages as they are done.
func Run(ctx context.Context, log reconcile.Log, tables Tables, cfg Config, observe func(messages int)) (ledger.Counts,
	ledger.Findings, error) {
	r := &run{tables: tables, cfg: cfg, found: ledger.Findings{Limit: cfg.Limit}}
	topic, err := log.Topic(ctx)
	if err != nil {
		return r.counts, r.found, err
	}
	if err := cfg.Read(ctx); err != nil {
		return r.counts, r.found, err
	}
	if err := r.gaps(ctx, &topic); err != nil {
		return r.counts, r.found, err
	}
	err = topic.Verify(ctx, log, &r.found, func(number int32, from, to int64) error {
		part := ledger.StreamRange{Topic: events.Raw, Log: topic.Log, Partition: number, From: from, To: to}
		return r.partition(ctx, log, part, observe)
	})
	return r.counts, r.found, err
}

type run struct {
	tables Tables
	cfg    Config
	counts ledger.Counts
	found  ledger.Findings
	// unreadable are messages whose results ClickHouse could not read; nil until they are asked for.
	unreadable map[place]bool
}

// delivered is what is kept of a message.
type delivered struct {
	offset   int64
	id       event.ID
	hash     uint64
	readable bool
}

func read(offset int64, value []byte) delivered {
	d := delivered{offset: offset}
	if e, err := events.ParseMessage(value); err == nil {
		d.id, d.hash, d.readable = e.ID, e.ContentHash(), true
	}
	return d
}

func (r *run) partition(ctx context.Context, log reconcile.Log, part ledger.StreamRange, observe func(int)) error {
	some, size, end := make([]delivered, 0, chunk), 0, part.To
	check := func(to int64) error {
		part.To = to
		err := r.compare(ctx, part, some)
		observe(len(some))
		part.From, some, size = to, some[:0], 0
		return err
	}
	err := log.Read(ctx, part.Partition, part.From, end, func(offset int64, value []byte) error {
		if len(some) == chunk || size > chunkBytes {
			if err := check(offset); err != nil {
				return err
			}
		}
		some, size = append(some, read(offset, value)), size+len(value)
		return nil
	})
	if err != nil {
		return err
	}
	return check(end)
}

// gaps adds what retention deleted before refine read it, or before it was verified.
func (r *run) gaps(ctx context.Context, topic *reconcile.Topic) error {
	deadLetters, err := r.tables.DeadLetters(ctx, ledger.DeadLetterQuery{Pipeline: events.Ledger, Origin: events.Raw,
		Code: string(transaction.CodeDeleted), State: ledger.StateOpen, Raw: true})
	if err != nil {
		return err
	}
	if r.cfg.AcceptGap {
		return r.tables.MarkDeadLetters(ctx, deadLetters, ledger.StatePurged)
	}
	for i := range deadLetters {
		if first, next, err := deadletter.ParseGap(deadLetters[i].Raw); err == nil {
			r.gap(deadLetters[i].Origin.Partition, first, next, transaction.CodeDeleted.Message())
		}
	}
	for _, p := range topic.Partitions {
		if p.Committed >= 0 && p.Committed < p.Begin {
			r.gap(p.Number, p.Committed, p.Begin, "retention deleted these offsets, and refine has not read them")
		}
		if end := min(p.Begin, p.Committed); p.Verified >= 0 && p.Verified < end {
			r.gap(p.Number, p.Verified, end, "retention deleted these offsets before they were verified")
		}
	}
	return nil
}

func (r *run) gap(partition int32, first, next int64, why string) {
	part := ledger.StreamRange{Topic: events.Raw, Partition: partition}
	r.add(&part, ledger.FindingGap, event.ID{}, first, fmt.Sprintf("%d to %d: %s", first, next-1, why))
}

func (r *run) add(part *ledger.StreamRange, kind ledger.FindingKind, id event.ID, offset int64, why string) {
	f := ledger.Finding{Kind: kind, Origin: fmt.Sprintf("%s/%d", part.Topic, part.Partition), Position: uint64(offset),
		Detail: why}
	if id != (event.ID{}) {
		f.ID = id.String()
	}
	r.found.Add(1, f)
}
