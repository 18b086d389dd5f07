package dedup

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/event"
)

const testHour = int64(time.Hour / time.Microsecond)

func idOf(n uint64) (id event.ID) {
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

// record is one of a log, with what it is.
type record struct {
	Claim
	valid   bool
	verdict Verdict
	first   int64 // offset, unless it is fresh
}

// newLog makes a log by the rule itself: a list of all accepted records, looked through for each.
func newLog(r *rand.Rand, n int) []record {
	log := make([]record, n)
	now := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC).UnixMicro()
	for i := range log {
		switch r.IntN(40) {
		case 0:
			now += int64(r.IntN(30)) * testHour
		case 1, 2, 3, 4, 5, 6, 7, 8, 9:
			now += r.Int64N(testHour)
		}
		l := &log[i]
		l.Claim = Claim{ID: idOf(uint64(r.IntN(n/4 + 1))), Offset: int64(i), Time: now, Hash: uint64(r.IntN(8) / 7)}
		if l.valid = r.IntN(10) > 0; !l.valid {
			continue
		}
		for j := i - 1; j >= 0; j-- {
			if c := &log[j]; c.ID == l.ID && c.valid && c.verdict == Fresh && l.Time/testHour-c.Time/testHour <= 24 {
				if l.first, l.verdict = c.Offset, Duplicate; c.Hash != l.Hash {
					l.verdict = Conflict
				}
				break
			}
		}
	}
	return log
}

// TestAgainstTheRule runs members over a log: batches are aborted, one or two at a time, members die, partitions go to
// others, which learn what was committed. Every verdict, the first time and each time that a record comes again, is
// that of the rule.
func TestAgainstTheRule(t *testing.T) {
	t.Parallel()
	var seen [3]int
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 7))
		log := newLog(r, 50+r.IntN(1500))
		w := New(24*time.Hour, 1<<30)
		committed, next, again := 0, 0, 0
		restore := func() {
			if r.IntN(2) == 0 {
				w = New(24*time.Hour, 1<<30) // another process
			}
			at := int64(0)
			if committed > 0 && r.IntN(3) > 0 { // else it is unknown
				at = log[committed-1].Time
			}
			w.Start(1, at)
			for i := range log[:committed] {
				if l := &log[i]; l.valid && l.verdict == Fresh && l.Time >= at-25*testHour {
					w.Add(1, &l.Claim)
				}
			}
			next = committed
		}
		restore()
		for committed < len(log) {
			end := min(len(log), next+1+r.IntN(60))
			for i := next; i < end; i++ {
				l := &log[i]
				if !l.valid {
					if r.IntN(2) == 0 { // it was valid in an attempt before
						w.Add(1, &l.Claim)
					}
					w.Withdraw(1, &l.Claim)
					continue
				}
				verdict, first := w.Judge(1, &l.Claim)
				if verdict != l.verdict || verdict != Fresh && first.Offset != l.first {
					t.Fatalf("seed %d, record %d: verdict %d by %d, want %d by %d", seed, i, verdict, first.Offset, l.verdict, l.first)
				}
				seen[verdict]++
				if verdict == Fresh {
					w.Add(1, &l.Claim)
				}
			}
			before := next
			switch next = end; r.IntN(6) {
			case 0: // aborted, with the batch that is written meanwhile
				next = committed
				again++
			case 1:
				restore()
			case 2: // the batch before is committed, this one is still written
				if committed < before {
					committed = before
					w.Committed(1, log[before-1].Time)
				}
			default:
				committed = end
				w.Committed(1, log[end-1].Time)
			}
		}
		if again == 0 && len(log) > 1000 {
			t.Errorf("seed %d: nothing came again", seed)
		}
		all, windows := 0, 0
		for _, l := range log {
			if !l.valid || l.verdict == Fresh { // a claim that was taken back keeps its place
				if all++; l.Time/testHour >= log[len(log)-1].Time/testHour-24-2*group {
					windows++
				}
			}
		}
		if s := w.State(); s.IDs > windows || s.Shortest != 24*time.Hour {
			t.Errorf("seed %d: %+v at the end, of %d claims in the window, %d in all", seed, s, windows, all)
		}
	}
	if seen[Fresh] == 0 || seen[Duplicate] == 0 || seen[Conflict] == 0 {
		t.Errorf("verdicts %v: the logs have not all of them", seen)
	}
}

// TestBound drops the oldest claims when there are too many, tells it, and still finds the duplicates of those that it
// has.
func TestBound(t *testing.T) {
	t.Parallel()
	const most = 1000
	w := New(24*time.Hour, most)
	dropped := 0
	w.Shortened = func(partition int32, _ time.Time, ids int) {
		if partition != 0 {
			t.Errorf("partition %d has the newest claims", partition)
		}
		dropped += ids
	}
	w.Start(0, 0)
	w.Start(1, 0)
	for i := range 1500 {
		c := Claim{ID: idOf(uint64(i)), Offset: int64(i), Time: int64(i) * testHour / 100, Hash: 1}
		partition := int32(i / 900)
		w.Add(partition, &c)
		if s := w.State(); s.IDs > most || s.IDs+dropped != i+1 {
			t.Fatalf("after %d: %+v, %d dropped", i+1, s, dropped)
		}
		if c.Offset++; i%7 == 0 {
			if v, _ := w.Judge(partition, &c); v != Duplicate {
				t.Fatalf("%d is not found", i)
			}
		}
	}
	s := w.State()
	if dropped == 0 || s.Shortest <= 0 || s.Shortest >= 10*time.Hour {
		t.Errorf("%d dropped, %+v", dropped, s)
	}
	w.Drop(0)
	w.Drop(1)
	if s := w.State(); s.IDs != 0 || s.Bytes != 0 {
		t.Errorf("after all partitions are gone: %+v", s)
	}
}

// TestMemory takes less than 60 bytes an id, 60 MB a million, also while tables grow, and gives the memory back.
func TestMemory(t *testing.T) {
	t.Parallel()
	const n = 200_000
	w := New(24*time.Hour, 2*n)
	w.Start(0, 0)
	r := rand.New(rand.NewPCG(1, 2))
	most := int64(0)
	for i := range n {
		var c Claim
		binary.BigEndian.PutUint64(c.ID[:], r.Uint64())
		binary.BigEndian.PutUint64(c.ID[8:], r.Uint64())
		c.Offset, c.Time = int64(i), int64(i)*24*testHour/n
		w.Add(0, &c)
		if i%500 == 499 {
			if s := w.State(); i > n/10 {
				most = max(most, s.Bytes/int64(i+1))
			}
		}
	}
	if most > 60 {
		t.Errorf("%d bytes an id", most)
	}
	t.Logf("%d bytes an id at most", most)
	w.Committed(0, 60*testHour)
	if s := w.State(); s.Bytes != 0 || s.IDs != 0 {
		t.Errorf("after the window has passed: %+v", s)
	}
}

func BenchmarkJudgeAndAdd(b *testing.B) {
	for _, n := range []int{100_000, 10_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := New(24*time.Hour, n)
			w.Start(0, 0)
			r := rand.New(rand.NewPCG(1, 2))
			claim := func(i int) (c Claim) {
				binary.BigEndian.PutUint64(c.ID[:], r.Uint64())
				binary.BigEndian.PutUint64(c.ID[8:], r.Uint64())
				c.Offset, c.Time = int64(i), int64(i)*23*testHour/int64(n)
				return c
			}
			for i := range n - b.N%n {
				c := claim(i)
				w.Add(0, &c)
			}
			b.ResetTimer()
			for i := range b.N {
				c := claim(n)
				if c.Offset += int64(i); i%100 == 0 {
					w.Committed(0, c.Time)
				}
				if v, _ := w.Judge(0, &c); v != Fresh {
					b.Fatal(v)
				}
				w.Add(0, &c)
			}
		})
	}
}
