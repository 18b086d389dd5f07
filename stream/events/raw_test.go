package events

import (
	"bytes"
	"reflect"
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
