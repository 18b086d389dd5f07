// Package reconcile proves the delivery contract of the stream: it reads what a group was delivered from the topic
// itself, and compares each message with the ledger, and the ledger with the tables.
package reconcile

import (
	"context"
	"fmt"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/topics"
)

// Partition is how far a group has read a partition, and how far that was verified. Offsets are of the next message.
type Partition struct {
	Number    int32
	Begin     int64 // of the oldest message that is kept
	Committed int64 // -1 when the group has committed none
	Verified  int64 // -1 when none is yet
}

// Topic is how far the group is in all partitions of a topic.
type Topic struct {
	Log        string // CLUSTER_ID/TOPIC_ID
	Partitions []Partition
}

// Log is the topic that the group reads.
type Log interface {
	Topic(ctx context.Context) (Topic, error)
	// Read visits the messages from one offset up to another, without that one, as readers of committed messages see them.
	Read(ctx context.Context, partition int32, from, to int64, visit func(offset int64, value []byte) error) error
	// Record notes how far partitions are verified.
	Record(ctx context.Context, verified map[int32]int64) error
}

// Tables are what ClickHouse holds.
type Tables interface {
	// StreamLedger returns the entries of a range, by their offsets.
	StreamLedger(ctx context.Context, r ledger.StreamRange) ([]ledger.StreamEntry, error)
	// StreamProblems compares the entries of a range with transactions and dead_letters.
	StreamProblems(ctx context.Context, r ledger.StreamRange, limit int) (ledger.Findings, error)
	DeadLetters(ctx context.Context, q ledger.DeadLetterQuery) ([]ledger.DeadLetterState, error)
	MarkDeadLetters(ctx context.Context, deadLetters []ledger.DeadLetterState, state string) error
}

// Config says what to reconcile.
type Config struct {
	Group     string // of stream classify
	Limit     int    // findings kept of each kind
	AcceptGap bool   // what retention deleted is no finding any longer
	// Read waits until ClickHouse has read all results that are there now.
	Read func(ctx context.Context) error
}

// Bounds of what is compared at once: the ids are what one query asks for, and the messages are held meanwhile.
const (
	chunk      = 20_000
	chunkBytes = 16 << 20
)

// Run reconciles what the group has committed since the last time, and records how far it came when there are no
// findings. Observe is called with messages as they are done.
func Run(ctx context.Context, log Log, tables Tables, cfg Config, observe func(messages int)) (counts ledger.Counts,
	found ledger.Findings, err error) {
	r := &run{log: log, tables: tables, cfg: cfg, observe: observe, found: ledger.Findings{Limit: cfg.Limit}}
	topic, err := log.Topic(ctx)
	if err != nil {
		return r.counts, r.found, err
	}
	if err := cfg.Read(ctx); err != nil {
		return r.counts, r.found, err
	}
	if err := r.gaps(ctx, topic); err != nil {
		return r.counts, r.found, err
	}
	err = topic.Verify(ctx, log, &r.found, func(number int32, from, to int64) error {
		return r.partition(ctx, topic.Log, number, from, to)
	})
	return r.counts, r.found, err
}

// Recorder is the part of a Log that notes how far partitions are verified.
type Recorder interface {
	Record(ctx context.Context, verified map[int32]int64) error
}

// Verify calls partition with what each partition has committed since it was verified, and records how far it came
// when there are no findings.
func (t *Topic) Verify(ctx context.Context, log Recorder, found *ledger.Findings,
	partition func(number int32, from, to int64) error) error {
	verified := map[int32]int64{}
	for _, p := range t.Partitions {
		from := max(p.Verified, p.Begin)
		if p.Committed <= from {
			continue
		}
		if err := partition(p.Number, from, p.Committed); err != nil {
			return fmt.Errorf("partition %d: %w", p.Number, err)
		}
		verified[p.Number] = p.Committed
	}
	if found.Total() > 0 || len(verified) == 0 {
		return nil
	}
	return log.Record(ctx, verified)
}

type run struct {
	log        Log
	tables     Tables
	cfg        Config
	observe    func(int)
	counts     ledger.Counts
	found      ledger.Findings
	unreadable map[place]bool // raw messages whose results ClickHouse could not read; nil until they are asked for
}

type place struct {
	partition int32
	offset    int64
}

// delivered is what is kept of a message.
type delivered struct {
	offset int64
	value  []byte
}

func (r *run) partition(ctx context.Context, log string, partition int32, from, to int64) error {
	part := ledger.StreamRange{Group: r.cfg.Group, Topic: topics.Raw, Log: log, Partition: partition, From: from}
	some, size := make([]delivered, 0, chunk), 0
	check := func(end int64) error {
		part.To = end
		err := r.compare(ctx, part, some)
		r.observe(len(some))
		part.From, some, size = end, some[:0], 0
		return err
	}
	err := r.log.Read(ctx, partition, from, to, func(offset int64, value []byte) error {
		if len(some) == chunk || size > chunkBytes {
			if err := check(offset); err != nil {
				return err
			}
		}
		some, size = append(some, delivered{offset, value}), size+len(value)
		return nil
	})
	if err != nil {
		return err
	}
	return check(to)
}

// compare walks through the messages of a range and their entries side by side: both are in the order of offsets.
func (r *run) compare(ctx context.Context, part ledger.StreamRange, messages []delivered) error {
	entries, err := r.tables.StreamLedger(ctx, part)
	if err != nil {
		return err
	}
	r.counts.In += int64(len(messages))
	c := checker{}
	for i := range messages {
		m := &messages[i]
		for len(entries) > 0 && entries[0].Offset < m.offset {
			r.surplus(part, &entries[0])
			entries = entries[1:]
		}
		if len(entries) == 0 || entries[0].Offset > m.offset {
			if err := r.unaccounted(ctx, part, m); err != nil {
				return err
			}
			continue
		}
		e := &entries[0]
		entries = entries[1:]
		r.count(e)
		if e.Variants > 1 {
			r.add(part, ledger.FindingDoubled, e.ID, m.offset, "the ledger has several entries for this message that differ")
		} else if why := c.differs(m.value, e); why != "" {
			r.add(part, ledger.FindingOther, e.ID, m.offset, why)
		}
	}
	for i := range entries {
		r.surplus(part, &entries[i])
	}
	problems, err := r.tables.StreamProblems(ctx, part, r.cfg.Limit)
	if err != nil {
		return err
	}
	r.found.Merge(&problems)
	return nil
}

func (r *run) count(e *ledger.StreamEntry) {
	switch e.Outcome {
	case ledger.OutcomeStored:
		r.counts.Stored++
	case ledger.OutcomeRejected:
		r.counts.Rejected++
	default:
		r.counts.DeadLettered++
	}
}

// surplus is an entry without a message. Deleted offsets have one, which says so.
func (r *run) surplus(part ledger.StreamRange, e *ledger.StreamEntry) {
	if e.Code != transaction.CodeDeleted {
		r.add(part, ledger.FindingInvented, e.ID, e.Offset, "the ledger has an entry for an offset that holds no message")
	}
}

func (r *run) add(part ledger.StreamRange, kind ledger.FindingKind, id transaction.ID, offset int64, why string) {
	f := ledger.Finding{Kind: kind, Origin: fmt.Sprintf("%s/%d", part.Topic, part.Partition), Position: uint64(offset),
		Detail: why}
	if id != (transaction.ID{}) {
		f.ID = id.String()
	}
	r.found.Add(1, f)
}
