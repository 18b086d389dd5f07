package events

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/event"
)

// TestRawKeepsEveryField has an event with every field through Avro, also without and before its time stamp.
func TestRawKeepsEveryField(t *testing.T) {
	t.Parallel()
	full := event.Event{ID: event.NewID(), Correlation: event.NewID(), Index: 7, Received: 1, HasTimestamp: true}
	v := reflect.ValueOf(&full).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.String {
			f.SetString(v.Type().Field(i).Name + " ü\x00\\")
		}
	}
	for _, at := range []int64{0, -1, 1, -62135596800000000, 253402300799999999} {
		full.Timestamp = at
		check(t, full)
	}
	full.Timestamp, full.HasTimestamp = 0, false
	check(t, full)
}

func check(t *testing.T, e event.Event) {
	t.Helper()
	value := AppendRaw(nil, &e)
	schema, rest, ok := SplitHeader(append(AppendHeader(nil, 1<<31-1), value...))
	if _, _, short := SplitHeader(value[:4]); !ok || short || schema != 1<<31-1 || !bytes.Equal(rest, value) {
		t.Errorf("the header: %d %v %v", schema, ok, short)
	}
	got, err := ParseRaw(value)
	if err != nil || got != e {
		t.Errorf("%+v became %+v, %v", e, got, err)
	}
	if _, err := ParseRaw(append(value, 0)); err == nil {
		t.Error("a byte after the record is no error")
	}
	if got.ContentHash() != e.ContentHash() {
		t.Error("the hash changed")
	}
}

// TestParseRawAgainstTheLibrary reads damaged records as the library of Avro does: the same events, or errors of both.
func TestParseRawAgainstTheLibrary(t *testing.T) {
	t.Parallel()
	library := Schema{rawSchema}
	r := rand.New(rand.NewPCG(1, 2))
	same := 0
	for range 20_000 {
		e := event.Event{ID: event.NewID(), Correlation: event.NewID(), Index: r.Int32(), Received: r.Int64N(1 << 50),
			Form: "simple", Type: "USER_LOGIN", AccountID: "a", Data: `{"a":1}`, HasTimestamp: r.IntN(2) == 0}
		value := AppendRaw(nil, &e)
		switch r.IntN(4) {
		case 0:
			value = value[:r.IntN(len(value))]
		case 1:
			value[r.IntN(len(value))] ^= 1 << r.IntN(8)
		case 2:
			value = append(value, 0)
		}
		got, err := ParseRaw(value)
		want, wantErr := library.Parse(value)
		if (err == nil) != (wantErr == nil) || err == nil && got != want {
			if wantErr == nil && err != nil && strings.Contains(err.Error(), "UTF-8") {
				continue // the library takes such a text
			}
			t.Fatalf("%q is %+v, %v; the library says %+v, %v", value, got, err, want, wantErr)
		}
		if err == nil {
			same++
		}
	}
	if same < 4000 {
		t.Errorf("only %d were read", same)
	}
}

// TestOtherSchema reads a record of an older schema, which lacks a field and has one that is no more.
func TestOtherSchema(t *testing.T) {
	t.Parallel()
	const field = `{"name": "session_id", "type": "string", "default": ""},`
	if strings.Count(RawSchema, field) != 1 {
		t.Fatal("the schema has changed")
	}
	s, err := ParseSchema(strings.Replace(RawSchema, field, `{"name": "gone", "type": "long"},`, 1))
	if err != nil || s.resolved == nil {
		t.Fatalf("%v, %+v", err, s)
	}
	e := event.Event{ID: event.NewID(), Correlation: event.NewID(), Form: "simple", Type: "t", AccountID: "a",
		UserAgent: "u", Data: "{}", TimestampText: "1", Timestamp: 5, HasTimestamp: true}
	value := AppendRaw(nil, &e) // an empty text and the number 0 are the same byte
	if got, err := s.Parse(value); err != nil || got != e {
		t.Errorf("%+v, %v", got, err)
	}
	if own, err := ParseSchema(RawSchema); err != nil || own.resolved != nil {
		t.Errorf("its own: %+v, %v", own, err)
	}
	if _, err := ParseSchema(strings.Replace(RawSchema, `{"name": "account_id", "type": "string"},`, "", 1)); err == nil {
		t.Error("a schema without account_id can be read")
	}
}
