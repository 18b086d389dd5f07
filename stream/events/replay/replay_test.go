package replay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/pipeline"
)

// TestRecord makes messages of dead letters of refine and of the collector.
func TestRecord(t *testing.T) {
	t.Parallel()
	id, pack := event.ID{15: 1}, event.ID{15: 2}
	m := Maker{Schema: func(context.Context) (int32, error) { return 7, nil }, ItemBytes: 1 << 10}
	raw := events.AppendRaw(events.AppendHeader(nil, 3), &event.Event{ID: id, Token: "crm", Form: event.FormSimple})
	item := `{"event_type":"USER_LOGIN","company_id":"c-1","user_id":"u","timestamp":1700000000000}`
	headers := map[string]string{
		"of refine": "[{txflow-request r} {txflow-token crm} {txflow-replays 2} {txflow-version 9} {traceparent " +
			"00-a-b-01}]",
		"of an older release": "[{txflow-replays 1} {txflow-token crm}]",
		"of the collector":    "[{txflow-replays 2} {txflow-version 9} {traceparent 00-a-b-01} {txflow-token crm}]",
	}
	for name, c := range map[string]struct {
		deadLetter ledger.DeadLetterState
		why        string
	}{
		"of refine": {ledger.DeadLetterState{ID: id.String(), Code: "id_conflict", Raw: raw, Replays: 1, Version: 9,
			Parent: "00-a-b-01", Key: []byte("not the id"), Headers: []pipeline.Header{{Name: "txflow-request",
				Value: []byte("r")}, {Name: pipeline.HeaderVersion, Value: []byte("3")}, {Name: events.HeaderToken,
				Value: []byte("crm")}},
			Origin: ledger.Origin{Origin: events.Raw}}, ""},
		"of an older release": {ledger.DeadLetterState{ID: id.String(), Code: "id_conflict", Raw: raw,
			Origin: ledger.Origin{Origin: events.Raw}}, ""},
		"of the collector": {ledger.DeadLetterState{ID: id.String(), Code: "missing_value", Raw: []byte(item), Source: "crm",
			Replays: 1, Version: 9,
			Parent: "00-a-b-01", FirstSeen: time.UnixMicro(5), Origin: ledger.Origin{Origin: events.Collector,
				Digest: pack.String(), Position: 4}}, ""},
		"still wrong": {ledger.DeadLetterState{ID: id.String(), Raw: []byte(`{"event_type":"USER_LOGIN"}`),
			Origin: ledger.Origin{Origin: events.Collector, Digest: pack.String()}}, "a value is required"},
		"cut": {ledger.DeadLetterState{ID: id.String(), Raw: []byte(item[:20]),
			Origin: ledger.Origin{Origin: events.Collector, Digest: pack.String()}}, "at byte"},
		"too large": {ledger.DeadLetterState{ID: id.String(), Code: string(event.CodeSize), Raw: []byte(item),
			Origin: ledger.Origin{Origin: events.Collector, Digest: pack.String()}}, "does not hold"},
		"deleted": {ledger.DeadLetterState{ID: id.String(), Code: string(transaction.CodeDeleted), Raw: raw,
			Origin: ledger.Origin{Origin: events.Raw}}, "does not hold"},
		"without an id": {ledger.DeadLetterState{Raw: []byte(item), Origin: ledger.Origin{Origin: events.Collector}},
			"no id"},
	} {
		r, why, err := m.Record(t.Context(), &c.deadLetter)
		if err != nil || (why == "") != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%s: %q, %v", name, why, err)
		}
		if c.why != "" {
			continue
		}
		if got := fmt.Sprintf("%s %s %s", r.Topic, r.Key, r.Headers); got !=
			"events.raw "+id.String()+" "+headers[name] {
			t.Errorf("%s: %s", name, got)
		}
		schema, rest, _ := events.SplitHeader(r.Value)
		e, err := events.ParseRaw(rest)
		if err != nil || e.ID != id || e.Token != "crm" || c.deadLetter.Origin.Origin == events.Collector &&
			(schema != 7 || e.Correlation != pack || e.Index != 4 || e.Received != 5 || e.AccountID != "c-1") {
			t.Errorf("%s: schema %d, %+v, %v", name, schema, e, err)
		}
	}
	m.Schema = func(context.Context) (int32, error) { return 0, errors.New("no registry") }
	deadLetter := ledger.DeadLetterState{ID: id.String(), Raw: []byte(item),
		Origin: ledger.Origin{Origin: events.Collector,
			Digest: pack.String()}}
	if _, _, err := m.Record(t.Context(), &deadLetter); err == nil {
		t.Error("a message is made without the id of its schema")
	}
}
