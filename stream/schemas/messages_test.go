package schemas

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/deadletter"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/events/analytics"
	"github.com/txflow/txflow/stream/topics"
	"github.com/txflow/txflow/stream/transactions/message"
)

func all(t *testing.T) map[string]Subject {
	t.Helper()
	subjects, err := All()
	if err != nil {
		t.Fatal(err)
	}
	byTopic := map[string]Subject{}
	for _, s := range subjects {
		byTopic[strings.TrimSuffix(s.Name, "-value")] = s
	}
	return byTopic
}

func compile(t *testing.T, text string) *jsonschema.Schema {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", value); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// odd are texts that JSON, Kafka or ClickHouse may stumble over.
var odd = []string{"", "plain", `"quoted" \ /`, "é漢字🙂", "\x00\x1f\u007f\u2028\u2029", "\xff\xfe\xc3", "<&>",
	strings.Repeat("x", 1<<16), "null", "{}"}

// written are messages as package message writes them, by topic.
func written() map[string][][]byte {
	var out = map[string][][]byte{}
	add := func(topic string, value []byte) { out[topic] = append(out[topic], value) }
	call := prediction.Call{Model: "m", Attempt: math.MaxInt32, TraceID: strings.Repeat("a", 32),
		SpanID: strings.Repeat("b", 16), Sampled: true, AnsweredAt: time.Now()}
	times := []time.Time{time.Unix(0, 0), time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2024, 2, 29, 23, 59, 59, 999_999_999, time.FixedZone("", 3600))}
	for i, text := range odd {
		at := times[i%len(times)]
		amount, _ := transaction.ParseAmount([]byte([]string{"-0.0001", "1", "99999999999999.9999", "-12.5"}[i%4]), '.')
		tr := transaction.Transaction{ID: transaction.DeriveID("bank", []byte(text)), SourceID: text, Description: text,
			Amount: amount, Timestamp: at,
			Merchant: text, HasMerchant: i%2 == 0, OperationType: text, Side: transaction.Side(1 + i%2)}
		add(topics.Raw, message.AppendRaw(nil, &tr, text))
		b := []byte(text)
		add(topics.Raw, message.AppendFields(nil, &transaction.Fields{b, b, b, b, b, b, b}, text))
		add(topics.Raw, message.AppendFields(nil, &transaction.Fields{}, ""))
		info := ledger.RunInfo{Pipeline: "stream", RunID: text, TaskTry: math.MaxInt32, Source: text, OriginTraceID: text,
			Chunk: text}
		origin := ledger.Origin{Origin: topics.Raw, Digest: text, Partition: math.MaxInt32, Position: math.MaxUint64}
		for c := range transaction.CategoryCount {
			row := ledger.Classified{Transaction: tr, ContentHash: math.MaxUint64, Category: transaction.DefaultCategories.At(c),
				Origin: origin}
			add(topics.Classified, message.AppendClassified(nil, &row, info.AppendCall(nil, origin, &call)))
		}
		id := tr.ID
		for _, d := range []ledger.DeadLetter{
			{Outcome: ledger.OutcomeRejected, Code: transaction.CodeMessage, Origin: origin, At: at},
			{Outcome: ledger.OutcomeDeadLetter, ID: &id, SourceID: text, ContentHash: math.MaxUint64, Column: text,
				Code: transaction.CodePrediction, Message: text,
				Raw: []byte(text), Key: []byte(text), Headers: []ledger.Header{{Name: text, Value: []byte(text)}, {}},
				Call: &call, At: at, Origin: origin},
		} {
			add(topics.DeadLetters, deadletter.Append(nil, &info, &d, i*math.MaxUint16, text))
			add(events.DeadLetters, deadletter.Append(nil, &info, &d, i*math.MaxUint16, text))
		}
		for _, lost := range [][]events.Lost{nil, {}, {{Rule: text, Points: "0.1"}, {Rule: "user_id", Points: "1"}}} {
			add(events.Silver, refined(text, lost))
		}
		rollup, _ := json.Marshal(analytics.Message{Rollup: "hour", AccountID: text, Type: text, Context: text,
			Hour: "2026-01-01T02:00:00Z", Events: math.MaxUint64, AverageScore: "0.9231",
			FirstEventAt: at.UTC().Format(time.RFC3339Nano), LastEventAt: at.UTC().Format(time.RFC3339Nano)})
		add(events.Analytics, rollup)
	}
	return out
}

// refined is a message of events.silver whose texts are all the same.
func refined(text string, lost []events.Lost) []byte {
	r := events.Refined{Late: true, TimestampUS: math.MinInt64, PublishedUS: math.MaxInt64, LostPoints: lost,
		Position: math.MaxUint64, ContentHash: math.MaxUint64,
		Partition: math.MaxInt32, SchemaID: math.MinInt32}
	v := reflect.ValueOf(&r).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.String {
			f.SetString(text)
		}
	}
	r.EventID, r.CorrelationID, r.TimestampSource, r.Score = event.NewID().String(), event.NewID().String(), "broker",
		"0.9"
	value, err := json.Marshal(&r)
	if err != nil {
		panic("plain data: " + err.Error())
	}
	return value
}

// TestMessages holds what is written against the schemas, and shows for each field that the schema would notice its
// loss.
func TestMessages(t *testing.T) {
	t.Parallel()
	subjects := all(t)
	for topic, values := range written() {
		s := subjects[topic]
		schema := compile(t, s.Latest())
		for _, value := range values {
			m, err := jsonschema.UnmarshalJSON(strings.NewReader(string(value)))
			if err != nil {
				t.Fatalf("%s: %s: %v", topic, value, err)
			}
			if err := schema.Validate(m); err != nil {
				t.Errorf("%s: %.2000s: %v", topic, value, err)
			}
		}
		m, err := jsonschema.UnmarshalJSON(strings.NewReader(string(values[0])))
		if err != nil {
			t.Fatal(err)
		}
		fields := m.(map[string]any)
		parsed, err := parse(s.Latest())
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range fields {
			fields[name] = []any{5}
			if schema.Validate(fields) == nil {
				t.Errorf("%s takes a list for %s", topic, name)
			}
			delete(fields, name)
			if required := slices.Contains(list(parsed["required"]), any(name)); required != (schema.Validate(fields) != nil) {
				t.Errorf("%s without %s, which is required: %t", topic, name, required)
			}
			fields[name] = value
		}
		if fields["more"] = 1; schema.Validate(fields) == nil {
			t.Errorf("%s takes a field that it does not know", topic)
		}
	}
}

// TestReadersTakeNumbers are raw messages of other producers: what the schema takes, the parser reads.
func TestReadersTakeNumbers(t *testing.T) {
	t.Parallel()
	s := all(t)[topics.Raw]
	schema := compile(t, s.Latest())
	parser := message.Parser{Rules: transaction.DefaultRules(time.Now())}
	for _, text := range []string{
		`{"id":17,"amount":-952.4,"timestamp":"2023-11-28T06:35:12Z","operation_type":"refund","side":"debit"}`,
		`{"id":"17","amount":"1","timestamp":"2023-11-28 06:35:12","merchant":null,"operation_type":"refund",` +
			`"side":"credit","source":"bank"}`,
	} {
		m, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		var p message.Parsed
		if v := parser.Parse([]byte(text), &p); v.Code != transaction.CodeOK || schema.Validate(m) != nil {
			t.Errorf("%s: %+v, %v", text, v, schema.Validate(m))
		}
	}
}
