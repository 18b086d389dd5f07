package prediction

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"
)

// TestRefusalsTrip goes through cases of answered (+n) and refused (-n) rows.
func TestRefusalsTrip(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		share float64
		rows  []int
		want  bool
	}{
		"one poison row":                   {0.5, []int{-1}, false},
		"all of 99":                        {0.5, []int{-99}, false},
		"all of 100":                       {0.5, []int{-100}, true},
		"half of 100":                      {0.5, []int{50, -50}, false},
		"more than half of 100":            {0.5, []int{49, -51}, true},
		"half at the start has left":       {0.5, []int{-50, 50, -50, 50, -50}, false},
		"the last of many":                 {0.5, []int{1_000_000, -51}, true},
		"a batch of good rows between":     {0.5, []int{-50, 500, -50}, false},
		"never":                            {1, []int{-1000}, false},
		"any of 100":                       {0, []int{99, -1}, true},
		"none":                             {0, []int{100}, false},
		"answered again":                   {0.5, []int{-100, 1}, false},
		"answered again, and trips again":  {0.5, []int{-100, 1, -99}, true},
		"answered again, too few to trip":  {0.5, []int{-100, 1, -98}, false},
		"good rows let it forget the poor": {0.5, []int{-50, 100, -50}, false},
	} {
		r := NewRefusals(c.share)
		for _, n := range c.rows {
			if n > 0 {
				r.Classified(n)
			}
			for ; n < 0; n++ {
				r.Refused()
			}
		}
		if r.Tripped() != c.want {
			t.Errorf("%s: tripped is %t", name, !c.want)
		}
	}
	var none *Refusals
	none.Classified(1)
	if _, tripped := none.Refused(); tripped || none.Fate(0) != Settled ||
		none.Wait(t.Context(), 0, time.Hour) != Settled {
		t.Error("a nil one trips")
	}
}

// TestRefusalsCountsLikeAPlainList compares the ring with a list of all rows.
func TestRefusalsCountsLikeAPlainList(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		r, rows, bad := NewRefusals(0.5), []bool{}, random.Float64()
		for range 400 {
			if random.Float64() < bad {
				_, tripped := r.Refused()
				rows = append(rows, true)
				n := 0
				for _, refused := range rows[max(len(rows)-RefusalWindow, 0):] {
					if refused {
						n++
					}
				}
				if want := len(rows) >= RefusalWindow && n > RefusalWindow/2; want != tripped {
					t.Fatalf("after %d rows, %d of the last refused: tripped is %t", len(rows), n, tripped)
				} else if tripped {
					break
				}
			} else {
				n := 1 + random.IntN(3)
				r.Classified(n)
				rows = append(rows, make([]bool, n)...)
			}
		}
	}
}

func TestFates(t *testing.T) {
	t.Parallel()
	r := NewRefusals(0.5)
	old, _ := r.Refused()
	r.Classified(99)
	if r.Fate(old) != Pending {
		t.Error("its window is not over")
	}
	r.Classified(1)
	if r.Fate(old) != Settled {
		t.Error("its window is over")
	}
	first, _ := r.Refused()
	for range 49 {
		r.Refused()
	}
	if r.Fate(first) != Pending || r.Wait(t.Context(), first, time.Millisecond) != Settled {
		t.Error("in quiet traffic a refusal is settled by time")
	}
	last, tripped := r.Refused()
	if !tripped || r.Fate(first) != Discarded || r.Fate(last) != Discarded || r.Fate(old) != Settled {
		t.Errorf("it trips: %t, %d %d %d", tripped, r.Fate(first), r.Fate(last), r.Fate(old))
	}
	if _, discarded := r.Refused(); !discarded {
		t.Error("what is refused afterwards is discarded")
	}
	r.Classified(1000)
	if r.Fate(last) != Discarded {
		t.Error("discarded stays discarded")
	}
	r.Restart()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	at, _ := r.Refused()
	if r.Wait(ended, at, time.Hour) != Pending {
		t.Error("a context that ended decides nothing")
	}
}

// TestOneProbes lets one caller in while it is tripped, and everybody when the API answers.
func TestOneProbes(t *testing.T) {
	t.Parallel()
	r := NewRefusals(0.5)
	for range RefusalWindow {
		r.Refused()
	}
	leave, err := r.Enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := r.Enter(short); err == nil {
		t.Error("two probe at once")
	}
	in := make(chan error, 8)
	for range cap(in) {
		go func() {
			done, err := r.Enter(t.Context())
			if err == nil {
				defer done()
			}
			in <- err
		}()
	}
	r.Classified(1)
	for range cap(in) {
		if err := <-in; err != nil {
			t.Error(err)
		}
	}
	leave()
}
