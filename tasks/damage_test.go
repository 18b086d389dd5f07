package tasks_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/tasks/classify"
	"github.com/txflow/txflow/tasks/load"
)

// An index, a part or a list of files that was damaged or tampered with is bad data, never a crash.
func TestADamagedIndexIsBadData(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.Put("a.csv", []byte(header+rows(1, 40)))
	good := w.prepare(t, batch.Contents{AsOf: time.Now()})
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(good)
	for name, change := range map[string]func(*batch.Chunks){
		"negative bytes": func(c *batch.Chunks) { c.Chunks[0].Segments[0].Bytes = -5 },
		"huge bytes":     func(c *batch.Chunks) { c.Chunks[0].Segments[0].Bytes = 1 << 40 },
		"huge rows":      func(c *batch.Chunks) { c.Chunks[0].Segments[0].Rows = 1 << 40 },
		"huge everywhere": func(c *batch.Chunks) {
			c.Chunks[0].Segments[0].Bytes += 1 << 40
			c.Chunks[0].Bytes += 1 << 40
		},
		"rows moved":              func(c *batch.Chunks) { c.Chunks[0].Segments[0].Rows++; c.Chunks[0].Rows++ },
		"no rows":                 func(c *batch.Chunks) { c.Chunks[0].Segments[0].Rows = 0 },
		"no files":                func(c *batch.Chunks) { c.Files = nil },
		"no chunks":               func(c *batch.Chunks) { c.Chunks = nil },
		"an index that is none":   func(c *batch.Chunks) { c.Chunks[0].Index = -7 },
		"no segments":             func(c *batch.Chunks) { c.Chunks[0].Segments = nil },
		"a digest that is a path": func(c *batch.Chunks) { c.Chunks[0].Segments[0].SHA256 = "../../x" },
		"no url":                  func(c *batch.Chunks) { c.Chunks[0].URL = "" },
	} {
		var c batch.Chunks
		if err := json.Unmarshal(text, &c); err != nil {
			t.Fatal(err)
		}
		change(&c)
		err := c.Check()
		if err == nil { // it holds together, so what it says is compared with the chunks
			if _, err = classify.Run(t.Context(), w.env(), w, classify.Config{Chunks: &c, Index: -1, API: "k3", BatchRows: 3,
				Concurrency: 2}); fault.ExitCode(err) != fault.ExitData {
				t.Errorf("%s: classify: %v", name, err)
			}
			_, err = load.Run(t.Context(), w.env(), w, load.Config{Chunks: &c, Index: -1, BlockRows: 10, Inserts: 2})
		}
		if fault.ExitCode(err) != fault.ExitData {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, url := range w.URLs() {
		if !strings.Contains(url, "/parts/") {
			continue
		}
		part, err := batch.ParsePart(w.Get(url))
		if err != nil {
			t.Fatal(err)
		}
		part.Calls[0].Rows += 3
		part.Calls = append(part.Calls, batch.PartCall{Rows: -3})
		if err := part.Check(part.Segment, len(part.Categories)); fault.ExitCode(err) != fault.ExitData {
			t.Errorf("a call of less than no rows: %v", err)
		}
		break
	}
	if err := (&batch.Files{Files: []batch.File{{URL: "a.csv", Delimiter: "",
		Decimal: ","}}}).Check(); fault.ExitCode(err) != fault.ExitData {
		t.Errorf("a file without a delimiter: %v", err)
	}
	if _, err := batch.ParseRepeat([]byte("x\t0\t0\t1\t0\t1")); err == nil || strings.Contains(err.Error(), "%!") {
		t.Errorf("a damaged line of the duplicates: %v", err)
	}
}
