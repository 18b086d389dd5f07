package refine

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/events/dedup"
	"github.com/txflow/txflow/stream/pipeline"
)

func newClaims(n int) []dedup.Claim {
	r, all := rand.New(rand.NewPCG(1, 9)), make([]dedup.Claim, n)
	for i := range all {
		all[i] = dedup.Claim{Offset: int64(3 * i), Time: int64(i)*7_900 - r.Int64N(1000), Hash: r.Uint64()}
		binary.BigEndian.PutUint64(all[i].ID[:], r.Uint64())
		binary.BigEndian.PutUint64(all[i].ID[8:], r.Uint64())
	}
	return all
}

// TestPackClaims reads back what is written, in messages that Kafka takes, each of which says how far the claims are
// there.
func TestPackClaims(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 50_000} {
		want := newClaims(n)
		end := int64(3*n) + 5
		var got []dedup.Claim
		values := PackClaims(logID, end, want)
		for i, value := range values {
			c, ok := openClaims(value)
			if !ok || c.log != hashOf(logID) || c.since != 0 || len(value) > packBytes+100 ||
				(c.next == end) != (i == len(values)-1) {
				t.Fatalf("%d claims, message %d of %d: %d bytes, %+v", n, i, len(values), len(value), ok)
			}
			for {
				more, whole := c.claim()
				if !whole {
					t.Fatal("it is cut off")
				}
				if !more {
					break
				}
				got = append(got, c.last)
			}
			if len(got) > 0 && c.next <= got[len(got)-1].Offset {
				t.Errorf("next is %d after offset %d", c.next, got[len(got)-1].Offset)
			}
		}
		if !slices.Equal(got, want) || n == 50_000 && len(values) < 2 {
			t.Errorf("%d claims of %d in %d messages", len(got), n, len(values))
		}
	}
}

// TestDamagedClaims ends a member rather than have it take an event for a new one.
func TestDamagedClaims(t *testing.T) {
	t.Parallel()
	value := PackClaims(logID, 30, newClaims(10))[0]
	l := &log{written: []pipeline.Record{{Topic: events.Claims, Value: value[:len(value)-1]}}, at: []int64{1}}
	at := pipeline.Assignment{Partition: pipeline.Partition{Topic: events.Raw}, LogID: logID, Next: 30}
	if err := New(config(t, l)).Assigned(t.Context(), []pipeline.Assignment{at}); fault.ExitCode(err) != fault.ExitData {
		t.Errorf("exit %d, %v", fault.ExitCode(err), err)
	}
	l.written[0].Value = value
	h := New(config(t, l))
	if err := h.Assigned(t.Context(), []pipeline.Assignment{at}); err != nil || h.stats.ids.Load() != 10 {
		t.Errorf("%v, %d ids", err, h.stats.ids.Load())
	}
}

func FuzzClaims(f *testing.F) {
	f.Add(PackClaims(logID, 30, newClaims(3))[0])
	f.Add([]byte{claimsFormat})
	f.Fuzz(func(_ *testing.T, value []byte) {
		c, ok := openClaims(value)
		for more := ok; more; more, _ = c.claim() {
		}
	})
}

// BenchmarkRestore is what a claim costs when a window is restored, without Kafka.
func BenchmarkRestore(b *testing.B) {
	const each = 3000
	var c dedup.Claim
	r := rand.New(rand.NewPCG(1, 2))
	values := make([]pipeline.Record, 0, b.N/each+1)
	for n := 0; n < b.N; n += each {
		batch := make([]dedup.Claim, min(each, b.N-n))
		for i := range batch {
			c.ID = event.ID{}
			binary.BigEndian.PutUint64(c.ID[:], r.Uint64())
			binary.BigEndian.PutUint64(c.ID[8:], r.Uint64())
			c.Offset, c.Time, c.Hash = int64(n+i), int64(float64(n+i)/float64(b.N)*22*3600e6), r.Uint64()
			batch[i] = c
		}
		values = append(values, pipeline.Record{Topic: events.Claims, Value: PackClaims(logID, int64(n+len(batch)),
			batch)[0]})
	}
	l := &log{written: values, at: make([]int64, len(values))}
	h := New(config(b, l))
	b.ResetTimer()
	if err := h.Assigned(b.Context(), []pipeline.Assignment{{LogID: logID, Next: int64(b.N)}}); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(h.stats.bytes.Load())/float64(h.stats.ids.Load()), "bytes/id")
}
