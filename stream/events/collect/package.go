package collect

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/event/parse"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/stream/deadletter"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/pipeline"
)

// outcome is what became of an item.
type outcome uint8

const (
	accepted     outcome = iota // the broker has it
	rejected                    // the broker has a dead letter of it
	unwritten                   // it is to be sent again
	notPublished                // it is good, and was not published since another is not
)

// pack is a package in work. Its buffers are used again: nothing of it may be kept when the answer is made.
type pack struct {
	request     string // id
	correlation event.ID
	traceparent string
	token       string
	received    time.Time
	schema      int32

	body     []byte
	items    []parse.Item
	outcomes []outcome
	records  []pipeline.Record
	bounds   []int // in arena, of each record: key, value, end
	arena    []byte
	headers  []pipeline.Header
	answer   []byte
	refused  []int // items that the broker does not take, for their size

	accepted, rejected, unwritten int
}

const largestPooled = 4 << 20

// reset keeps the buffers, unless they are large.
func (p *pack) reset() {
	body, arena, answer := p.body[:0], p.arena[:0], p.answer[:0]
	if cap(body)+cap(arena)+cap(answer) > largestPooled {
		body, arena, answer = nil, nil, nil
	}
	clear(p.items) // texts of the body
	clear(p.records)
	*p = pack{body: body, items: p.items[:0], outcomes: p.outcomes[:0], records: p.records[:0], bounds: p.bounds[:0],
		arena: arena, headers: p.headers[:0], answer: answer}
}

// text is the body as a string, without a copy: it is not changed while the package is in work.
func (p *pack) text() string { return unsafe.String(unsafe.SliceData(p.body), len(p.body)) }

// name gives each item its ids: the same ones whenever it is sent again, if it has a message id or its package a key.
func (p *pack) name(keyed bool) {
	for i := range p.items {
		e := &p.items[i].Event
		e.Correlation, e.Index, e.Token, e.Received = p.correlation, int32(i), p.token,
			p.received.UnixMicro()
		switch {
		case e.MessageID != "":
			e.ID = event.MessageEventID(p.token, e.MessageID)
		case keyed:
			e.ID = event.PackageEventID(p.correlation, i)
		default:
			e.ID = event.NewID()
		}
	}
}

func (p *pack) broken() (n int) {
	for i := range p.items {
		if p.items[i].Violation != nil {
			n++
		}
	}
	return n
}

// publish writes every item, as an event or as a dead letter, and notes what became of each.
func (p *pack) publish(ctx context.Context, to Publisher) {
	p.common()
	for i := range p.items {
		if p.items[i].Violation == nil {
			p.addEvent(i)
		} else {
			p.addDeadLetter(i)
		}
	}
	p.outcomes = slices.Grow(p.outcomes, len(p.items))[:len(p.items)]
	for i, err := range to.Publish(ctx, p.finish()) {
		switch good := p.items[i].Violation == nil; {
		case err == nil && good:
			p.outcomes[i] = accepted
		case err == nil:
			p.outcomes[i] = rejected
		case good && fault.ExitCode(err) == fault.ExitData:
			p.refused = append(p.refused, i)
		default:
			p.outcomes[i] = unwritten
		}
	}
	if len(p.refused) > 0 {
		p.refuse(ctx, to)
	}
	for _, o := range p.outcomes {
		switch o {
		case accepted:
			p.accepted++
		case rejected:
			p.rejected++
		default:
			p.unwritten++
		}
	}
}

// refuse makes dead letters of events that the broker does not take, whenever they are sent.
func (p *pack) refuse(ctx context.Context, to Publisher) {
	p.records, p.bounds, p.arena = p.records[:0], p.bounds[:0], p.arena[:0]
	for _, i := range p.refused {
		p.items[i].Violation = &event.Violation{Code: event.CodeSize, Pointer: ""}
		p.addDeadLetter(i)
	}
	for n, err := range to.Publish(ctx, p.finish()) {
		p.outcomes[p.refused[n]] = rejected
		if err != nil {
			p.outcomes[p.refused[n]] = unwritten
		}
	}
}

// common makes the headers that all messages of the package have.
func (p *pack) common() {
	p.headers = append(p.headers[:0], pipeline.Header{Name: events.HeaderRequest, Value: []byte(p.request)})
	if p.token != "" {
		p.headers = append(p.headers, pipeline.Header{Name: events.HeaderToken, Value: []byte(p.token)})
	}
	if p.traceparent != "" {
		p.headers = append(p.headers, pipeline.Header{Name: pipeline.HeaderTrace, Value: []byte(p.traceparent)})
	}
}

func (p *pack) addEvent(i int) {
	e := &p.items[i].Event
	start := len(p.arena)
	p.arena = e.ID.Append(p.arena)
	middle := len(p.arena)
	p.arena = events.AppendRaw(events.AppendHeader(p.arena, p.schema), e)
	p.bounds = append(p.bounds, start, middle, len(p.arena))
	p.records = append(p.records, pipeline.Record{Topic: events.Raw, Headers: p.headers})
}

// addDeadLetter holds the item as it came; of one that is too large the beginning, the rest is in its copy.
func (p *pack) addDeadLetter(i int) {
	item := &p.items[i]
	v := item.Violation
	d := p.deadLetter(i)
	if v.Code == event.CodeSize {
		d.Raw = d.Raw[:min(len(d.Raw), keptOfLarge)]
	}
	start := len(p.arena)
	p.arena = deadletter.Append(p.arena, &ledger.RunInfo{Pipeline: events.Ledger, Source: p.token}, &d, 0,
		p.traceparent)
	p.bounds = append(p.bounds, start, start, len(p.arena))
	p.records = append(p.records, pipeline.Record{Topic: events.DeadLetters,
		Headers: append(slices.Clip(slices.Clone(p.headers)),
			pipeline.Header{Name: pipeline.HeaderReason, Value: []byte(v.Code)},
			pipeline.Header{Name: events.HeaderError, Value: []byte(v.Code.Message() + " (" + headerText(v.Pointer) + ")")},
			pipeline.Header{Name: pipeline.HeaderOrigin, Value: []byte(events.Collector)})})
}

// keptOfLarge is how much a dead letter holds of an event that is too large, in bytes.
const keptOfLarge = 64 << 10

// headerText takes control characters out of what a sender chose.
func headerText(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, text)
}

// finish gives the records their keys and values: the arena does not move any more.
func (p *pack) finish() []pipeline.Record {
	for i := range p.records {
		b := p.bounds[3*i:]
		if b[1] > b[0] {
			p.records[i].Key = p.arena[b[0]:b[1]]
		}
		p.records[i].Value = p.arena[b[1]:b[2]]
	}
	return p.records
}

// status is the answer's: who looks at it alone does the right thing.
func (p *pack) status() int {
	switch {
	case p.unwritten > 0:
		return http.StatusServiceUnavailable
	case p.rejected == 0:
		return http.StatusOK
	case p.accepted == 0:
		return http.StatusUnprocessableEntity
	}
	return http.StatusMultiStatus
}
