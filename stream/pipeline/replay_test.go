package pipeline

import (
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/deadletter"
)

// TestTheLargestDeadLetterFitsIntoKafka has messages of the greatest size that are kept, in one value, one header, one
// key, and headers that are as small as they can be: none is above Kafka's limit, which is for compressed batches.
func TestTheLargestDeadLetterFitsIntoKafka(t *testing.T) {
	t.Parallel()
	const limit = 1_000_000 - 20_000 // message.max.bytes, less the record's own headers and all fields that are bounded
	large := []byte(strings.Repeat("\xff", MessageLimit-2*headerBytes))
	for name, m := range map[string]Message{
		"one value":  {Value: large},
		"one key":    {Key: large},
		"one header": {Headers: []Header{{Name: "h", Value: large}}},
		"one name":   {Headers: []Header{{Name: string(large)}}},
		"many headers": {Headers: func() []Header {
			all := make([]Header, MessageLimit/(headerBytes+1))
			for i := range all {
				all[i].Name = "h"
			}
			return all
		}()},
	} {
		if n := m.size(); n > MessageLimit || n < MessageLimit-3*headerBytes {
			t.Errorf("%s: a message of %d bytes", name, n)
		}
		value := deadletter.Append(nil, &ledger.RunInfo{}, &ledger.DeadLetter{Raw: m.Value, Key: m.Key, Headers: m.Headers},
			0, "")
		if len(value) > limit {
			t.Errorf("%s: a dead letter of %d bytes", name, len(value))
		}
	}
}

// TestRejectKeepsKeyAndHeaders has a dead letter hold all of its message, or nothing where it is too large with its
// headers.
func TestRejectKeepsKeyAndHeaders(t *testing.T) {
	t.Parallel()
	header := Header{Name: "h", Value: []byte(strings.Repeat("v", 50))}
	for most, want := range map[int]string{
		1000: `"raw":"dg==","key":"aw==","headers":[{"name":"aA==","value":"`,
		60:   `"raw":"","key":null,"headers":[],`,
	} {
		var b Batch
		b.reset(&Config{Now: time.Now, MaxMessage: most, DeadLetters: "dlq"},
			[]Message{{Value: []byte("v"), Key: []byte("k"), Headers: []Header{header}}})
		for i := range b.Undecided() {
			b.Reject(i, "", ledger.DeadLetter{Code: transaction.CodeMessage})
		}
		if got := string(b.records[0].Value); !strings.Contains(got, want) {
			t.Errorf("of at most %d bytes: %s", most, got)
		}
	}
}
