package batch_test

import (
	"testing"

	"github.com/txflow/txflow/internal/batch"
)

// A part of which any byte was changed is refused, or is the same as before.
func TestPartHasAChecksum(t *testing.T) {
	t.Parallel()
	p := &batch.Part{Segment: "s", Calls: []batch.PartCall{{Rows: 2, Model: "m", Attempt: 1}},
		Categories: []string{"Rent", "Food"}}
	whole := batch.AppendPart([]byte("before"), p)[len("before"):]
	if got, err := batch.ParsePart(whole); err != nil || got.Categories[1] != "Food" || got.Calls[0].Model != "m" {
		t.Fatalf("%+v, %v", got, err)
	}
	for i := range whole {
		damaged := append([]byte(nil), whole...)
		damaged[i] ^= 1
		got, err := batch.ParsePart(damaged)
		if err == nil && string(batch.AppendPart(nil, got)) != string(whole) {
			t.Errorf("byte %d was changed, and %s was believed", i, damaged)
		}
	}
	old := []byte(`{"categories":["Rent"],"segment":"s","calls":[]}` + "\n")
	if got, err := batch.ParsePart(old); err != nil || len(got.Categories) != 1 {
		t.Errorf("a part of an older release: %+v, %v", got, err)
	}
}
