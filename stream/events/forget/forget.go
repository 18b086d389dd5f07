// Package forget erases the events of a person: from ClickHouse's tables, from archived objects, and, by a tombstone
// that is written first, from whatever Kafka or a sender delivers again.
package forget

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/failpoint"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/stream/dlq"
	"github.com/txflow/txflow/stream/events/tombstone"
	"github.com/txflow/txflow/stream/pipeline"
)

// Tables are ClickHouse's. What is noted is kept by ClickHouse, so that nothing that is delivered again is stored
// again; noted again it is the same.
type Tables interface {
	dlq.DeadLetters
	Erasure(ctx context.Context, hash string) (*ledger.Erasure, error)
	PutErasure(ctx context.Context, e *ledger.Erasure) error
	CountEvents(ctx context.Context, p event.Person, before int64) (uint64, error)
	NoteEvents(ctx context.Context, e *ledger.Erasure, p event.Person) error
	NoteMessages(ctx context.Context, e *ledger.Erasure, messages []ledger.ErasedMessage) error
	NoteDeadLettersOfRaw(ctx context.Context, e *ledger.Erasure) error
	ReadRawOfEvents(ctx context.Context, e *ledger.Erasure, p event.Person, visit func(*ledger.RawMessage) error) error
	ReadRawOfIDs(ctx context.Context, ids []event.ID, visit func(*ledger.RawMessage) error) error
	ReadRawOutsideGold(ctx context.Context, visit func(*ledger.RawMessage) error, observe func(offsets int64)) error
	EraseLedger(ctx context.Context, e *ledger.Erasure) error
	EraseRows(ctx context.Context, e *ledger.Erasure, observe func(table string, parts int64)) error
	ErasedCounts(ctx context.Context, e *ledger.Erasure) (map[string]uint64, error)
}

// Stream is Kafka, and who reads it.
type Stream interface {
	// Publish returns once the broker has the message.
	Publish(ctx context.Context, r pipeline.Record) error
	// Refined waits until refine has done with all that is in events.raw now. Nobody is waited for where no member runs.
	Refined(ctx context.Context) error
	// Read waits until ClickHouse has read all of the topics of events that is there now.
	Read(ctx context.Context) error
}

// Tombstones are those that Kafka has.
type Tombstones interface {
	Now(ctx context.Context) error
	Of(hash event.PersonHash) (event.Tombstone, bool)
}

// Forget erases the events of one person.
type Forget struct {
	Person     event.Person
	Key        event.ErasureKey
	Tables     Tables
	Stream     Stream
	Tombstones Tombstones
	Objects    Objects
	Folder     string // of the objects, as a URL or a path; "" for none
	ItemBytes  int    // how large an item of the collector's may be

	Progress func(step string, done int64) // done is -1 at the start of a step
}

// Result is what was erased, or would be.
type Result struct {
	Erasure     ledger.Erasure
	Events      uint64 // in gold
	Messages    uint64 // of bronze
	DeadLetters uint64
	Objects     uint64 // archived, with events of the person
	Lines       uint64 // of these objects
}

// Count finds what there is of the person now, and changes nothing.
func (f *Forget) Count(ctx context.Context) (r Result, err error) {
	r.Erasure = ledger.Erasure{Before: time.Now().UnixMicro(), ID: uuid.Nil.String()}
	f.Progress("counting events", -1)
	if r.Events, err = f.Tables.CountEvents(ctx, f.Person, r.Erasure.Before); err != nil {
		return r, err
	}
	seen := map[ledger.ErasedMessage]bool{}
	err = f.find(ctx, &r.Erasure, func(m *ledger.ErasedMessage) error {
		key := *m
		key.EventID = ""
		seen[key] = true
		return nil
	})
	for m := range seen {
		if m.From == fromDeadLetters {
			r.DeadLetters++
		} else {
			r.Messages++
		}
	}
	if err == nil {
		err = f.objects(ctx, &r, false)
	}
	return r, err
}

// rounds is how often what is stored is looked at again: everything that could bring more is waited for, so that the
// second round finds nothing.
const rounds = 3

// Run erases. It may be ended at any moment: run again, it goes on with the same erasure. Its error has exit code 75
// where something has to be waited for longer; the erasure is pending then, and the tombstone holds.
func (f *Forget) Run(ctx context.Context) (r Result, err error) {
	e, err := f.begin(ctx)
	if err != nil {
		return r, err
	}
	r.Erasure = *e
	f.Progress("waiting for refine", -1)
	// Members of refine know the tombstone by now: what they have passed on without knowing is in what they read before.
	select {
	case <-ctx.Done():
		return r, ctx.Err()
	case <-time.After(2*tombstone.Fresh + tombstone.Margin*time.Microsecond):
	}
	if err := f.Stream.Refined(ctx); err != nil {
		return r, err
	}
	for range rounds {
		if err := f.round(ctx, e, &r); err != nil {
			return r, err
		}
		left, err := f.Tables.CountEvents(ctx, f.Person, e.Before)
		if err != nil {
			return r, err
		}
		if left == 0 {
			e.Done = true
			r.Erasure = *e
			return r, f.Tables.PutErasure(ctx, e)
		}
	}
	return r, fault.WithHint(fault.Failf(fault.ExitTryAgain, "events of the person are stored again and again"),
		"another program writes to ClickHouse's tables: stop it, and run the same command again")
}

// begin writes the tombstone, or finds the one of an erasure that was not finished.
func (f *Forget) begin(ctx context.Context) (*ledger.Erasure, error) {
	f.Progress("writing the tombstone", -1)
	hash, scope := f.Key.Hash(f.Person), f.Person.Scope()
	e, err := f.Tables.Erasure(ctx, hash.String())
	if err == nil && (e == nil || e.Done) {
		e = &ledger.Erasure{Hash: hash.String(), Scope: string(scope), KeyID: f.Key.ID(), ID: uuid.NewString(),
			Requested: time.Now()}
		err = f.Tables.PutErasure(ctx, e)
	}
	if err != nil {
		return nil, err
	}
	failpoint.Pass(failpoint.Requested)
	if err := f.Tombstones.Now(ctx); err != nil {
		return nil, err
	}
	t, ok := f.Tombstones.Of(hash)
	if !ok || e.Before == 0 { // that of an earlier erasure reaches less far, whatever this machine's clock says
		t = event.Tombstone{Hash: hash, Scope: scope, KeyID: f.Key.ID()}
		if err := f.Stream.Publish(ctx, tombstone.Record(&t)); err != nil {
			return nil, err
		}
		failpoint.Pass(failpoint.Forgotten)
		if err := f.Tombstones.Now(ctx); err != nil {
			return nil, err
		}
		if t, ok = f.Tombstones.Of(hash); !ok {
			return nil, fault.Failf(fault.ExitTryAgain, "the tombstone was written, and is not read back")
		}
	}
	e.Before = t.At
	return e, f.Tables.PutErasure(ctx, e)
}

// round notes what is there of the person, and deletes what is noted.
func (f *Forget) round(ctx context.Context, e *ledger.Erasure, r *Result) error {
	f.Progress("waiting for ClickHouse to read Kafka", -1)
	if err := f.Stream.Read(ctx); err != nil {
		return err
	}
	f.Progress("looking for events", -1)
	if err := f.Tables.NoteEvents(ctx, e, f.Person); err != nil {
		return err
	}
	failpoint.Pass(failpoint.Noted)
	notes := notes{tables: f.Tables, erasure: e}
	if err := f.find(ctx, e, func(m *ledger.ErasedMessage) error { return notes.add(ctx, m) }); err != nil {
		return err
	}
	if err := notes.flush(ctx); err != nil {
		return err
	}
	if err := f.Tables.NoteDeadLettersOfRaw(ctx, e); err != nil {
		return err
	}
	failpoint.Pass(failpoint.Noted)
	if err := f.objects(ctx, r, true); err != nil {
		return err
	}
	// What ClickHouse read before it knew what is noted is written by the time that it has read on.
	f.Progress("waiting for ClickHouse to read Kafka", -1)
	if err := f.Stream.Read(ctx); err != nil {
		return err
	}
	f.Progress("noting it in the ledger", -1)
	if err := f.Tables.EraseLedger(ctx, e); err != nil {
		return err
	}
	failpoint.Pass(failpoint.Erased)
	if err := f.Tables.EraseRows(ctx, e, func(table string,
		parts int64) {
		f.Progress("deleting from "+table, parts)
	}); err != nil {
		return err
	}
	failpoint.Pass(failpoint.Deleted)
	counts, err := f.Tables.ErasedCounts(ctx, e)
	r.Events, r.Messages, r.DeadLetters = counts[fromEvents], counts[fromBronze], counts[fromDeadLetters]
	return err
}

// Tables that messages are erased from.
const (
	fromEvents      = "events"
	fromBronze      = "events_bronze"
	fromDeadLetters = "dead_letters"
)

// notes are written many at once.
type notes struct {
	tables  Tables
	erasure *ledger.Erasure
	some    []ledger.ErasedMessage
}

const notesAtOnce = 10_000

func (n *notes) add(ctx context.Context, m *ledger.ErasedMessage) error {
	if n.some = append(n.some, *m); len(n.some) < notesAtOnce {
		return nil
	}
	return n.flush(ctx)
}

func (n *notes) flush(ctx context.Context) error {
	err := n.tables.NoteMessages(ctx, n.erasure, n.some)
	n.some = n.some[:0]
	return err
}
