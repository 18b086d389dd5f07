package parse

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/txflow/txflow/internal/event"
)

// FuzzPackage compares with encoding/json: what is JSON, what the items are, and that a good item read again is the
// same.
func FuzzPackage(f *testing.F) {
	for _, seed := range []string{item(`{"id":"1","amount":1.5}`,
		`,`+inTimestamp+`:{"dispatchedAt":1},`+inMessageID+`:"[{\"id\":\"a\"}]"`),
		`[{"event_type":"A","company_id":"c","metadata":{"a":"b"}}, 5 , null, "\ud83d\ude00\ud800", {"\u0061":1e5,"a":[]}]`,
		`{"data":{"\/":1}}`} {
		f.Add(seed)
		f.Add("[" + seed + "]")
	}
	f.Fuzz(func(t *testing.T, text string) {
		items, single, err := Package(nil, text, Limits{Items: 1 << 20, ItemBytes: 1 << 20})
		if valid := json.Valid([]byte(text)); valid != (err == nil) && strings.Count(text, "[")+strings.Count(text,
			"{") < maxDepthRead {
			t.Fatalf("JSON says %t, ours %v", valid, err)
		}
		if err != nil {
			return
		}
		var raw []json.RawMessage
		if single {
			raw = []json.RawMessage{json.RawMessage(text)}
		} else if err := json.Unmarshal([]byte(text), &raw); err != nil {
			t.Fatal(err)
		}
		if len(raw) != len(items) {
			t.Fatalf("%d items, JSON has %d", len(items), len(raw))
		}
		for i := range items {
			if compacted(t, string(raw[i])) != compacted(t, items[i].Raw) {
				t.Fatalf("item %d is %q, JSON has %q", i, items[i].Raw, raw[i])
			}
			again, err := One(items[i].Raw, 1<<20)
			e := items[i].Event
			if err != nil && raw[i][0] != '[' || err == nil && again.Event != e {
				t.Fatalf("read again: %+v %v", again, err)
			}
			if items[i].Violation != nil {
				continue
			}
			if e.Type == "" || e.AccountID == "" || e.Form == event.FormPackage && e.UserID == "" {
				t.Fatalf("accepted without what is required: %+v", e)
			}
			for _, part := range []string{e.Data, e.Attributes, e.Extra, e.TimestampText} {
				if part != "" && compacted(t, part) != part {
					t.Fatalf("%q is not compact", part)
				}
			}
			if e.Form == event.FormPackage {
				sameObject(t, items[i].Raw, "data", e.Data)
			}
		}
	})
}

func compacted(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		t.Fatalf("%q is no JSON: %v", text, err)
	}
	return b.String()
}

// sameObject compares a field of an object with what became of it.
func sameObject(t *testing.T, object, field, got string) {
	t.Helper()
	var fields map[string]any
	var value any
	if json.Unmarshal([]byte(object), &fields) != nil || json.Unmarshal([]byte(got), &value) != nil ||
		!reflect.DeepEqual(fields[field], value) {
		t.Fatalf("%s of %q became %q", field, object, got)
	}
}

func BenchmarkPackage(b *testing.B) {
	one := item(`{"id":"3f7c0a52-18ab-4f0e-9d5e-5b4a4d1c7c11","amount":100.50,"currency":"EUR"}`,
		`,`+inTimestamp+`:{"dispatchedAt":1735689600123},`+
			inMessageID+`:{"id":"3f7c0a52-18ab-4f0e-9d5e-5b4a4d1c7c11"},`+inAmplitude+`:{"id":5,"trackedDevice":"desktop"}`)
	text := "[" + strings.Repeat(one+",", 99) + one + "]"
	items := []Item(nil)
	for name, read := range map[string]func() error{
		"by hand": func() (err error) {
			items, _, err = Package(items[:0], text, Limits{100, 1 << 20})
			return err
		},
		"tokens of the library": func() error { // without the rules: to the end of the text
			d := jsontext.NewDecoder(strings.NewReader(text))
			for {
				if _, err := d.ReadToken(); errors.Is(err, io.EOF) {
					return nil
				} else if err != nil {
					return err
				}
			}
		},
		"encoding/json": func() error { // without the rules: into raw fields
			var all []map[string]json.RawMessage
			return json.Unmarshal([]byte(text), &all)
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if err := read(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/event")
		})
	}
}
