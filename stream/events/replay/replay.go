// Package replay makes messages of events.raw from dead letters of events.
package replay

import (
	"context"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/event/parse"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/pipeline"
)

// Maker makes messages from dead letters.
type Maker struct {
	// Schema is the id of the schema of events.raw. It is asked for when there is something of the collector's to replay.
	Schema    func(ctx context.Context) (int32, error)
	ItemBytes int // how large an item may be

	Forgotten Forgotten // nil: nobody is
}

// Forgotten are the persons whose events are erased: what was read of them before is not sent again.
type Forgotten interface {
	Refresh(ctx context.Context) error
	Erases(account, user string, published int64) bool
}

// erases reports whether the event of a dead letter is to be erased.
func (m *Maker) erases(ctx context.Context, l *ledger.DeadLetterState, e *event.Event) (bool, error) {
	if m.Forgotten == nil {
		return false, nil
	}
	if err := m.Forgotten.Refresh(ctx); err != nil {
		return false, err
	}
	came := l.Version
	if came == 0 {
		came = l.FirstSeen.UnixMicro()
	}
	return m.Forgotten.Erases(e.AccountID, e.UserID, came), nil
}

const whyForgotten = "its person is forgotten"

// Record is the message of a dead letter, with its own headers. Its key is the event's id, whatever it came with: by
// the key of the same event its duplicates are found. What the collector refused is parsed again, by the rules of
// today; why says why that is still no event, and then there is no message.
func (m *Maker) Record(ctx context.Context, l *ledger.DeadLetterState) (r pipeline.Record, why string, err error) {
	if code := transaction.Code(l.Code); !code.KeepsRow() || event.Code(l.Code) == event.CodeSize {
		return r, "it does not hold its message", nil
	}
	r = pipeline.Record{Topic: events.Raw, Key: []byte(l.ID), Value: l.Raw}
	token := l.Source
	if l.Origin.Origin == events.Collector {
		var e event.Event
		if e, why = m.parse(l); why != "" {
			return r, why, nil
		}
		if erased, err := m.erases(ctx, l, &e); erased || err != nil {
			return r, whyForgotten, err
		}
		schema, err := m.Schema(ctx)
		if err != nil {
			return r, "", err
		}
		r.Key, r.Value = []byte(e.ID.String()), events.AppendRaw(events.AppendHeader(nil, schema), &e)
	} else if _, rest, ok := events.SplitHeader(l.Raw); ok {
		if e, err := events.ParseRaw(rest); err == nil {
			if erased, err := m.erases(ctx, l, &e); erased || err != nil {
				return r, whyForgotten, err
			}
			r.Key, token = []byte(e.ID.String()), e.Token
		}
	}
	r.Headers = pipeline.ReplayHeaders(l)
	if token != "" && !pipeline.HasHeader(r.Headers, events.HeaderToken) {
		r.Headers = append(r.Headers, pipeline.Header{Name: events.HeaderToken, Value: []byte(token)})
	}
	return r, "", nil
}

// parse reads an item that the collector refused. It keeps the ids that its sender got in the answer.
func (m *Maker) parse(l *ledger.DeadLetterState) (e event.Event, why string) {
	item, err := parse.One(string(l.Raw), m.ItemBytes)
	if err != nil {
		return e, err.Error()
	}
	if v := item.Violation; v != nil {
		return e, "at " + v.Pointer + ": " + v.Code.Message()
	}
	e = item.Event
	id, ok := event.ParseID(l.ID)
	correlation, okToo := event.ParseID(l.Origin.Digest)
	if !ok || !okToo || id == (event.ID{}) {
		return e, "it has no id"
	}
	e.ID, e.Correlation, e.Index, e.Token, e.Received = id, correlation, int32(min(l.Origin.Position, 1<<31-1)),
		l.Source, l.FirstSeen.UnixMicro()
	return e, ""
}
