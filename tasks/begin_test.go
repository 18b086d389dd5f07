package tasks_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/tasks"
)

// What a run was begun with stays, whatever the time of the next try; another source, other files, or files that
// changed once rows may be stored, make another run.
func TestARunIsBegunOnce(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	wish := func(change func(*batch.RunSpec)) batch.RunSpec {
		s := batch.RunSpec{RunID: "r1", Source: "crm", StartedAt: start.Add(time.Hour),
			Files: []batch.SourceFile{{URL: "a.csv", Bytes: 7, Modified: start}}}
		change(&s)
		return s
	}
	same := func(*batch.RunSpec) {}
	for name, tt := range map[string]struct {
		change func(*batch.RunSpec)
		loaded bool
		code   int
	}{
		"the same":                      {same, true, 0},
		"the same time of the contents": {func(s *batch.RunSpec) { s.AsOf = start }, true, 0},
		"another time of the contents":  {func(s *batch.RunSpec) { s.AsOf = start.Add(1) }, false, fault.ExitData},
		"another source":                {func(s *batch.RunSpec) { s.Source = "erp" }, false, fault.ExitData},
		"another file":                  {func(s *batch.RunSpec) { s.Files[0].URL = "b.csv" }, false, fault.ExitData},
		"one file more": {func(s *batch.RunSpec) { s.Files = append(s.Files, s.Files[0]) }, false,
			fault.ExitData},
		"a corrected file": {func(s *batch.RunSpec) { s.Files[0].Bytes = 8 }, false, 0},
		"a file changed after load": {func(s *batch.RunSpec) { s.Files[0].Modified = start.Add(time.Minute) }, true,
			fault.ExitData},
		"classified again": {func(s *batch.RunSpec) { s.Reclassify = true }, false, fault.ExitData},
	} {
		w := newWorld()
		first := wish(func(s *batch.RunSpec) { s.StartedAt = start })
		if begun, err := tasks.Begin(t.Context(), w.env(), first); err != nil || !begun.AsOf.Equal(start) {
			t.Fatalf("%s: %v, %+v", name, err, begun)
		}
		w.Put(w.env().Layout.Chunks(), []byte(`{"chunks":[{},{}]}`))
		if tt.loaded {
			w.Put(w.env().Layout.Manifest("load", 1), []byte(`{}`))
		}
		next := wish(tt.change)
		begun, err := tasks.Begin(t.Context(), w.env(), next)
		if fault.ExitCode(err) != tt.code {
			t.Errorf("%s: %v, want exit code %d", name, err, tt.code)
		}
		if err == nil && (!begun.AsOf.Equal(start) || !begun.StartedAt.Equal(start) ||
			begun.Files[0].Bytes != next.Files[0].Bytes) {
			t.Errorf("%s: %+v", name, begun)
		}
	}
	w := newWorld() // a run of an older version has only its manifests
	w.Put(w.env().Layout.Manifest("validate", -1),
		[]byte(`{"task":"validate","status":"done","run_id":"r1","source":"crm","inputs":[{"url":"a.csv","bytes":7}]}`))
	if _, err := tasks.Begin(t.Context(), w.env(),
		wish(func(s *batch.RunSpec) { s.Source = "erp" })); fault.ExitCode(err) != fault.ExitData {
		t.Errorf("another source for an older run: %v", err)
	}
	if _, err := tasks.Begin(t.Context(), w.env(), wish(same)); err != nil {
		t.Errorf("an older run: %v", err)
	}
}

func TestAsOfIsATimeThatHasBeen(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for at, code := range map[time.Time]int{now.Add(time.Hour): fault.ExitUsage, now: 0, now.AddDate(-10, 0, 0): 0,
		time.Unix(0, 0): fault.ExitUsage} {
		if err := tasks.CheckAsOf(at, now); fault.ExitCode(err) != code {
			t.Errorf("%s: %v", at, err)
		}
	}
}

func TestRunIDsAreOnePathElement(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", ".", "..", "../x", "a/b", "a\\b", "a b", "a\nb", "\x1b[1m", "a?b", "-x", "é", "a'b",
		`a"b`, string(make([]byte, 201))} {
		if fault.ExitCode(batch.CheckRunID(id)) != fault.ExitUsage {
			t.Errorf("%q is taken", id)
		}
	}
	for _, id := range []string{"manual__2024-01-01T00:00:00+00:00", "20240131T101500Z-1f2e3d", "jan", "r.1",
		"transactions_batch.scheduled__2024-01-01-abc"} {
		if err := batch.CheckRunID(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestARunIsFreeWhenItsHolderIsGone(t *testing.T) {
	t.Parallel()
	host, _ := os.Hostname()
	now := time.Now()
	soon := now.Add(time.Minute).Format(time.RFC3339Nano)
	for name, tt := range map[string]struct {
		lease, manifest string
		free            bool
	}{
		"no lease":            {"", "", true},
		"a torn lease":        {"{", "", true},
		"under way elsewhere": {`{"host":"elsewhere","pid":1,"until":"` + soon + `"}`, "", false},
		"expired": {`{"host":"elsewhere","pid":1,"until":"` + now.Add(-time.Second).Format(time.RFC3339Nano) +
			`"}`, "", true},
		"ended":                  {`{"host":"elsewhere","pid":1,"ended":true,"until":"` + soon + `"}`, "", true},
		"under way here":         {`{"host":"` + host + `","pid":1,"until":"` + soon + `"}`, "", false},
		"killed here":            {`{"host":"` + host + `","pid":2147483646,"until":"` + soon + `"}`, "", true},
		"done":                   {"", `{"task":"reconcile","status":"done"}`, false},
		"it did not add up once": {"", `{"task":"reconcile","status":"failed"}`, true},
	} {
		w := newWorld()
		if tt.lease != "" {
			w.Put(w.env().Layout.Lease(), []byte(tt.lease))
		}
		if tt.manifest != "" {
			w.Put(w.env().Layout.Manifest("reconcile", -1), []byte(tt.manifest))
		}
		if free, err := tasks.Unfinished(t.Context(), w, w.env().Layout, now); err != nil || free != tt.free {
			t.Errorf("%s: %v, %v", name, free, err)
		}
	}
	w := newWorld()
	var until time.Time
	release := tasks.Hold(t.Context(), w.env(), func(at time.Time) { until = at })
	var l struct {
		PID   int
		Until time.Time
		Ended bool
	}
	if err := json.Unmarshal(w.Get(w.env().Layout.Lease()), &l); err != nil || l.PID != os.Getpid() ||
		!l.Until.Equal(until) || !until.After(now) || l.Ended {
		t.Errorf("the lease is %+v, %v", l, err)
	}
	release()
	if err := json.Unmarshal(w.Get(w.env().Layout.Lease()), &l); err != nil || !l.Ended {
		t.Errorf("after the end the lease is %+v, %v", l, err)
	}
}
