// Package archive copies events.silver to an object store: an object for each range of 10,000 offsets of a partition,
// one message a line. A range is copied once all its offsets are decided, so that names and contents are always the
// same, however often and by whomever it is copied.
package archive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/status"
)

// Range is how many offsets an object has.
const Range = 10_000

// Log is events.silver.
type Log interface {
	// Partitions returns how far each is, where all before what is committed is copied, and the topic's id, which a
	// topic that is made again does not share.
	Partitions(ctx context.Context) (topic string, partitions []status.Partition, err error)
	// Read visits the committed messages of a part of a partition, in order; see pipeline.Message. Of each only partition,
	// offset, value and time are needed, which are valid until visit returns.
	Read(ctx context.Context, partition int32, from, end int64, visit func(*pipeline.Message) error) error
	// Record notes that all before an offset is copied.
	Record(ctx context.Context, partition int32, next int64) error
}

// Store makes objects.
type Store interface {
	Create(ctx context.Context, url string) (batch.ArtifactWriter, error)
}

// Archiver copies.
type Archiver struct {
	Log     Log
	Store   Store
	Objects string // URL or folder
	Slog    *slog.Logger

	Forgotten Forgotten // nil: nobody is
}

// Forgotten are the persons whose events are erased: of those an object has no more than what events.Erase leaves.
type Forgotten interface {
	Now(ctx context.Context) error // learns of new tombstones
	Changes() int                  // counts them
	Any() bool                     // whether there are any
	Erases(account, user string, published int64) bool
}

// Done is what a run did.
type Done struct {
	Objects, There int   // made, and found to be there already
	Events         int64 // in those that were made
	Deleted        int64 // offsets that retention deleted before they were copied
	Waiting        int64 // offsets that are in the topic and not in an object: most of a range that is not full
}

// Run copies every range that is complete.
func (a *Archiver) Run(ctx context.Context) (done Done, err error) {
	topic, partitions, err := a.Log.Partitions(ctx)
	if err != nil {
		return done, err
	}
	for _, p := range partitions {
		if err := a.partition(ctx, topic, p, &done); err != nil {
			return done, err
		}
		done.Waiting += p.End - max(p.End-p.End%Range, p.Begin)
	}
	return done, nil
}

// partition copies the complete ranges of a partition.
func (a *Archiver) partition(ctx context.Context, topic string, p status.Partition, done *Done) error {
	from, end := max(p.Committed, 0), p.End-p.End%Range
	if whole := (p.Begin + Range - 1) / Range * Range; whole > from { // the ranges before it are not whole any more
		if p.Begin > from {
			done.Deleted += p.Begin - from
			a.Slog.WarnContext(ctx, "retention deleted events before they were copied: ranges that are not whole are left out",
				"partition", p.Number, "from", from, "to", whole)
		}
		from = whole
	}
	if from >= end {
		return nil
	}
	o := object{a: a, topic: topic, partition: p.Number, from: from, done: done}
	for {
		err := o.ranges(ctx, end)
		o.abort()
		if !errors.Is(err, errForgotten) {
			return err
		}
		a.Slog.InfoContext(ctx, "a person was forgotten meanwhile: the range is copied again", "partition", p.Number,
			"from", o.from)
	}
}

// errForgotten says that somebody was forgotten while an object was made.
var errForgotten = errors.New("a person was forgotten meanwhile")

// ranges copies the ranges from the object's own on.
func (o *object) ranges(ctx context.Context, end int64) error {
	err := o.a.Log.Read(ctx, o.partition, o.from, end, func(m *pipeline.Message) error {
		if m.Offset >= o.from+Range {
			if err := o.next(ctx, m.Offset-m.Offset%Range); err != nil {
				return err
			}
		}
		return o.write(ctx, m)
	})
	if err == nil {
		err = o.next(ctx, end)
	}
	return err
}

// forgotten is how many tombstones are known now.
func (o *object) forgotten(ctx context.Context) (int, error) {
	if o.a.Forgotten == nil {
		return 0, nil
	}
	err := o.a.Forgotten.Now(ctx)
	return o.a.Forgotten.Changes(), err
}

// erased is the value of a message, without what a forgotten person's event said.
func (o *object) erased(value []byte) []byte {
	if o.a.Forgotten == nil || !o.a.Forgotten.Any() {
		return value
	}
	value, _ = events.EraseMessage(value, func(r *events.Refined) bool {
		return o.a.Forgotten.Erases(r.AccountID, r.UserID, r.PublishedUS)
	})
	return value
}

// object is the copy of a range that is being made.
type object struct {
	a         *Archiver
	topic     string
	partition int32
	from      int64
	done      *Done

	w      batch.ArtifactWriter // nil before the first message
	events int64
	known  int // tombstones when it began
}

// inName makes an id of Kafka, which is Base64, a part of a file's name, as Base64 for URLs does.
var inName = strings.NewReplacer("/", "_", "+", "-", "=", "")

func (o *object) write(ctx context.Context, m *pipeline.Message) (err error) {
	if o.w == nil {
		if o.known, err = o.forgotten(ctx); err != nil {
			return err
		}
		name := fmt.Sprintf("%d-%012d-%s.ndjson", o.partition, o.from, inName.Replace(o.topic))
		o.w, err = o.a.Store.Create(ctx, strings.TrimRight(o.a.Objects, "/")+"/"+path.Join("silver",
			m.Time.UTC().Format(time.DateOnly), name))
		if err != nil {
			return err
		}
	}
	if _, err = o.w.Write(o.erased(m.Value)); err == nil {
		_, err = o.w.Write([]byte{'\n'})
	}
	o.events++
	return err
}

// next ends the object, and begins with the range of another offset. A range without a committed message has none.
func (o *object) next(ctx context.Context, from int64) error {
	if o.w != nil {
		known, err := o.forgotten(ctx)
		if err == nil && known != o.known {
			err = errForgotten
		}
		if err != nil {
			return err
		}
		_, made, err := o.w.CommitNew(ctx)
		if err != nil {
			return err
		}
		if made {
			o.done.Objects++
			o.done.Events += o.events
		} else {
			o.done.There++
		}
	}
	o.w, o.events, o.from = nil, 0, from
	return o.a.Log.Record(ctx, o.partition, from)
}

func (o *object) abort() {
	if o.w != nil {
		o.w.Abort()
	}
	o.w, o.events = nil, 0
}
