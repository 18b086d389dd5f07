// Package refine is the handler of the pipeline of events: it reads accepted events from events.raw, removes
// duplicates, says what each is about and how good it is, and decides between a message of events.silver and a dead
// letter.
package refine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/jsontext"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/events/dedup"
	"github.com/txflow/txflow/stream/pipeline"
)

// Handler implements pipeline.Handler, pipeline.PartitionHandler and pipeline.CommitHandler.
type Handler struct {
	cfg     Config
	schemas map[int32]events.Schema
	windows *dedup.Windows // of the goroutine that handles
	stats   stats

	mu        sync.Mutex
	committed map[int32]int64 // the log's time of the last committed record of a partition; Handle takes it over

	// since is, by partition, the time of the log from which on all claims are in events.claims; unknown before the first
	// message where that was not so until now. It is of the goroutine that handles.
	since map[int32]int64
}

// New makes a handler.
func New(cfg Config) *Handler {
	h := &Handler{cfg: cfg, schemas: map[int32]events.Schema{}, committed: map[int32]int64{},
		since: map[int32]int64{}, windows: dedup.New(cfg.Window, cfg.MaxIDs)}
	h.windows.Shortened = h.shortened
	h.stats.rules.Store(&cfg.Rules.current().Version)
	h.look()
	return h
}

// work is what the handler knows of a batch. Its memory is used again.
type work struct {
	packs   []pack            // by partition
	last    int               // the one that was asked for
	headers []pipeline.Header // one for each record at most
	losses  []event.Loss
	refined events.Refined
}

// Handle implements pipeline.Handler.
func (h *Handler) Handle(ctx context.Context, b *pipeline.Batch) error {
	w, ok := b.Memory.(*work)
	if !ok {
		w = &work{}
		b.Memory = w
	}
	h.takeCommitted()
	if err := h.cfg.refreshForgotten(ctx); err != nil {
		return err
	}
	n := len(b.Messages)
	w.headers = slices.Grow(w.headers[:0], n)
	h.beginClaims(w, b.Messages)
	now := h.cfg.Now()
	rules := h.cfg.Rules.refresh(ctx, now)
	h.stats.rules.Store(&rules.Version)
	for i, m := range b.Undecided() {
		e, schema, broken, err := h.read(ctx, m)
		if err != nil {
			return err
		}
		claim := dedup.Claim{ID: e.ID, Offset: m.Offset, Time: m.LogVersion}
		erased := h.cfg.erases(&e, m)
		if broken.Code == "" {
			claim.Hash = e.ContentHash()
			verdict, first := h.windows.Judge(m.Partition, &claim)
			switch verdict {
			case dedup.Fresh:
				form := ""
				if erased {
					form = events.FormErased
					h.stats.erased.Add(1)
				}
				if h.emit(b, i, w, rules, &e, schema, &claim, now, form) {
					h.windows.Add(m.Partition, &claim)
					w.pack(m.Partition).add(&claim)
					continue
				}
				broken = Broken{Code: event.CodeSize, Message: event.CodeSize.Message()}
			case dedup.Duplicate:
				b.Skip(i)
				continue
			case dedup.Conflict:
				broken = Broken{Code: event.CodeConflict, Message: fmt.Sprintf("%s: partition %d, offset %d",
					event.CodeConflict.Message(), m.Partition, first.Offset)}
			}
		}
		h.windows.Withdraw(m.Partition, &claim)
		if erased {
			h.emit(b, i, w, rules, &e, schema, &claim, now, events.FormErasedRejected)
			h.stats.erased.Add(1)
			continue
		}
		d := ledger.DeadLetter{Outcome: ledger.OutcomeRejected, ContentHash: claim.Hash, Column: broken.Field,
			Code: transaction.Code(broken.Code), Message: broken.Message, SourceID: e.MessageID}
		if e.ID != (event.ID{}) {
			id := transaction.ID(e.ID)
			d.ID = &id
		}
		b.Reject(i, e.Token, d)
	}
	h.attachClaims(b, w)
	h.look()
	return nil
}

// beginClaims begins the messages of claims, one for each partition of the batch.
func (h *Handler) beginClaims(w *work, messages []pipeline.Message) {
	w.packs = w.packs[:0]
	for i := range messages {
		m := &messages[i]
		p := w.pack(m.Partition)
		if p == nil {
			if h.since[m.Partition] == unknown && m.Gap == 0 { // the time of a gap may be unknown
				h.since[m.Partition] = m.LogVersion
			}
			w.packs = slices.Grow(w.packs, 1)[:len(w.packs)+1] // what was there has its memory
			p = &w.packs[len(w.packs)-1]
			p.reset(m.Partition, hashOf(m.LogID), h.since[m.Partition])
		}
		p.next = m.Next()
	}
}

// pack is that of a partition; nil where the batch has none of it (yet).
func (w *work) pack(partition int32) *pack {
	if w.last < len(w.packs) && w.packs[w.last].partition == partition { // they come in runs
		return &w.packs[w.last]
	}
	for i := range w.packs {
		if w.packs[i].partition == partition {
			w.last = i
			return &w.packs[i]
		}
	}
	return nil
}

// attachClaims has the claims written with the batch.
func (h *Handler) attachClaims(b *pipeline.Batch, w *work) {
	for i := range w.packs {
		p := &w.packs[i]
		for _, value := range p.values() {
			b.Attach(pipeline.Record{Topic: events.Claims, Pinned: true, Partition: p.partition, Value: value})
		}
	}
}

// largest is how many bytes a message of events.silver has at most: Kafka takes a megabyte unless it is set
// otherwise, and JSON in JSON may be twice as long. One that Kafka refuses would come again for ever.
const largest = 900 << 10

// emit decides that a message becomes one of events.silver; false for one that would be too large. Of an event that is
// erased the message says its form, and nothing that its sender said.
func (h *Handler) emit(b *pipeline.Batch, i int, w *work, rules *event.Rules, e *event.Event, schema int32,
	claim *dedup.Claim, now time.Time, erased string) bool {
	m := &b.Messages[i]
	w.refine(rules, e, m)
	r := &w.refined
	r.ProcessedUS, r.SchemaID, r.ContentHash = now.UnixMicro(), schema, claim.Hash
	first := len(w.headers)
	if erased != "" {
		r.EventID = e.ID.String() // the key may be another one
		r.Erase(erased)
	}
	if m.Traceparent != "" {
		w.headers = append(w.headers, pipeline.Header{Name: pipeline.HeaderTrace, Value: []byte(m.Traceparent)})
	}
	size := 0
	b.Emit(i, events.Silver, m.Key, func(dst []byte) []byte {
		size = -len(dst)
		dst = events.AppendRefined(dst, r)
		size += len(dst)
		return dst
	}, w.headers[first:]...)
	b.Pin(i, m.Partition) // as older releases need it, which restore windows from there
	return size <= largest
}

// refine says of an event what its row says.
func (w *work) refine(rules *event.Rules, e *event.Event, m *pipeline.Message) {
	r := &w.refined
	*r = events.Refined{EventID: string(m.Key), CorrelationID: e.Correlation.String(), PackageIndex: e.Index,
		Token: e.Token, Form: string(e.Form), Type: e.Type, TargetSubscription: e.TargetSubscription, AccountID: e.AccountID,
		UserID:    e.UserID,
		MessageID: e.MessageID, TimestampText: e.TimestampText, TimestampUS: e.Timestamp, TimestampSource: "sender",
		Platform: e.Platform, Device: e.Device, AmplitudeID: e.AmplitudeID, IPAddress: e.IPAddress, UserAgent: e.UserAgent,
		SessionID: e.SessionID, Data: e.Data, Attributes: e.Attributes, Extra: e.Extra,
		ReceivedUS: e.Received, PublishedUS: m.Version, Context: rules.Context(e.Type), RulesVersion: rules.Version,
		Origin: m.Topic, OriginDigest: m.LogID, Partition: m.Partition,
		Position: uint64(m.Offset),
		TraceID:  m.TraceID(), LostPoints: r.LostPoints[:0]}
	if !e.HasTimestamp {
		r.TimestampUS, r.TimestampSource = r.PublishedUS, "broker"
	}
	r.Late, r.Future = rules.Punctual(e, r.PublishedUS)
	r.Score, w.losses = rules.Score(e, w.losses[:0])
	for _, lost := range w.losses {
		r.LostPoints = append(r.LostPoints, events.Lost(lost))
	}
}

// Broken says why a message is a dead letter.
type Broken struct {
	Code    event.Code // "" for one that is accepted
	Field   string
	Message string
}

func broken(code event.Code, field, why string) Broken {
	text := code.Message()
	if why != "" {
		text += ": " + why
	}
	return Broken{code, field, text}
}

// read reads the event of a message, and validates it again: another program may have written it. It waits for the
// Schema Registry where the message names a schema that is not known yet.
func (h *Handler) read(ctx context.Context, m *pipeline.Message) (e event.Event, schema int32, b Broken, err error) {
	schema, record, ok := events.SplitHeader(m.Value)
	if !ok {
		return e, 0, broken(event.CodeFormat, "", ""), nil
	}
	s, known, err := h.schema(ctx, schema)
	switch {
	case err != nil:
		return e, schema, Broken{}, err
	case !known:
		return e, schema, broken(event.CodeSchema, "", fmt.Sprint(schema)), nil
	}
	if e, err = s.Parse(record); err != nil {
		return event.Event{}, schema, broken(event.CodeFormat, "", err.Error()), nil
	}
	return e, schema, check(&e, m.Key), nil
}

// check says which rule an event breaks.
func check(e *event.Event, key []byte) Broken {
	var text [36]byte
	if string(e.ID.Append(text[:0])) != string(key) {
		return broken(event.CodeKey, "event_id", "")
	}
	switch {
	case e.Form != event.FormPackage && e.Form != event.FormSimple:
		return broken(event.CodeFormat, "form", "")
	case e.Type == "":
		return broken(event.CodeMissing, "type", "")
	case e.AccountID == "":
		return broken(event.CodeMissing, "account_id", "")
	case e.UserID == "" && e.Form == event.FormPackage:
		return broken(event.CodeMissing, "user_id", "")
	}
	for _, t := range [...]struct{ name, text string }{{"timestamp_text", e.TimestampText}, {"data", e.Data},
		{"attributes", e.Attributes}, {"extra", e.Extra}} {
		if t.text != "" && !jsontext.Valid(t.text) {
			return broken(event.CodeFormat, t.name, "it is not JSON")
		}
	}
	return Broken{}
}
