package batch_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/fault"
)

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

// index is a sound one: two chunks, the first of two segments.
func index() *batch.Chunks {
	segment := func(text string) batch.Segment {
		return batch.Segment{Rows: strings.Count(text, "\n"), Bytes: len(text), SHA256: sum(text)}
	}
	return &batch.Chunks{Files: []batch.File{{URL: "a.csv"}}, Chunks: []batch.Chunk{
		{Index: 0, URL: "c0", SHA256: sum("a\nb\nc\n"), Rows: 3, Bytes: 6, Segments: []batch.Segment{segment("a\nb\n"),
			segment("c\n")}},
		{Index: 1, URL: "c1", SHA256: sum("d\n"), Rows: 1, Bytes: 2, Segments: []batch.Segment{segment("d\n")}},
	}}
}

func TestADamagedIndexIsRefused(t *testing.T) {
	t.Parallel()
	if err := index().Check(); err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(*batch.Chunks){
		"no files":             func(c *batch.Chunks) { c.Files = nil },
		"no chunks":            func(c *batch.Chunks) { c.Chunks = nil },
		"another number":       func(c *batch.Chunks) { c.Chunks[1].Index = 0 },
		"no URL":               func(c *batch.Chunks) { c.Chunks[0].URL = "" },
		"no checksum":          func(c *batch.Chunks) { c.Chunks[0].SHA256 = "" },
		"a row too many":       func(c *batch.Chunks) { c.Chunks[0].Rows++ },
		"a row too few":        func(c *batch.Chunks) { c.Chunks[0].Rows-- },
		"negative rows":        func(c *batch.Chunks) { c.Chunks[0].Segments[0].Rows = -1 },
		"rows without bytes":   func(c *batch.Chunks) { c.Chunks[0].Segments[0].Bytes = 1 },
		"enormous segment":     func(c *batch.Chunks) { c.Chunks[0].Segments[1].Bytes = 1 << 60 },
		"segment gone":         func(c *batch.Chunks) { c.Chunks[0].Segments = c.Chunks[0].Segments[:1] },
		"segment's sum is cut": func(c *batch.Chunks) { c.Chunks[0].Segments[0].SHA256 = "ab" },
	} {
		c := index()
		if damage(c); fault.ExitCode(c.Check()) != fault.ExitData {
			t.Errorf("%s: %v", name, c.Check())
		}
	}
}

func TestSelect(t *testing.T) {
	t.Parallel()
	c := index()
	if all, err := c.Select(-1); err != nil || len(all) != 2 {
		t.Errorf("%v, %v", all, err)
	}
	if one, err := c.Select(1); err != nil || len(one) != 1 || one[0].Index != 1 {
		t.Errorf("%v, %v", one, err)
	}
	if _, err := c.Select(2); fault.ExitCode(err) != fault.ExitUsage {
		t.Error(err)
	}
}

func TestASegmentThatWasChangedIsRefused(t *testing.T) {
	t.Parallel()
	good := batch.Segment{Rows: 2, Bytes: 4, SHA256: sum("a\nb\n")}
	if text, err := batch.ReadSegment(strings.NewReader("a\nb\nmore"), good, "c", nil); err != nil ||
		string(text) != "a\nb\n" {
		t.Errorf("%q, %v", text, err)
	}
	for name, c := range map[string]struct {
		text    string
		segment batch.Segment
	}{
		"another byte":                         {"a\nc\n", good},
		"cut off":                              {"a\nb", good},
		"empty":                                {"", good},
		"a size that is a lie costs no memory": {"a\nb\n", batch.Segment{Rows: 2, Bytes: 1 << 50, SHA256: good.SHA256}},
		"other number of rows":                 {"a\nb\n", batch.Segment{Rows: 3, Bytes: 4, SHA256: good.SHA256}},
	} {
		if _, err := batch.ReadSegment(bytes.NewReader([]byte(c.text)), c.segment, "c",
			nil); fault.ExitCode(err) != fault.ExitData {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRunIDsAreOnePathElement(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"r", "manual__2024-01-01T00:00:00+00:00", strings.Repeat("x", 200), "a..b"} {
		if err := batch.CheckRunID(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, id := range []string{"", ".", "..", "-r", "a/b", `a\b`, "a b", "a\n", "a\x00", "ä", "%2e%2e",
		strings.Repeat("x", 201), "a?b", "a#b"} {
		if err := batch.CheckRunID(id); fault.ExitCode(err) != fault.ExitUsage || fault.Hint(err) == "" {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestSameFiles(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	spec := func(url string, size int64, modified time.Time) *batch.RunSpec {
		return &batch.RunSpec{Files: []batch.SourceFile{{URL: url, Bytes: size, Modified: modified}}}
	}
	one := spec("a", 1, at)
	for name, c := range map[string]struct {
		other          *batch.RunSpec
		urls, contents bool
	}{
		"the same":     {spec("a", 1, at.In(time.FixedZone("", 3600))), true, true},
		"another size": {spec("a", 2, at), true, false},
		"another time": {spec("a", 1, at.Add(1)), true, false},
		"another file": {spec("b", 1, at), false, false},
		"more files":   {&batch.RunSpec{Files: append(spec("a", 1, at).Files, batch.SourceFile{})}, false, false},
		"other bytes of a pipe": {&batch.RunSpec{Files: []batch.SourceFile{{URL: "a", Bytes: 1, Modified: at, SHA256: "x"}}},
			true, false},
	} {
		if urls, contents := one.SameFiles(c.other); urls != c.urls || contents != c.contents {
			t.Errorf("%s: %t %t", name, urls, contents)
		}
	}
}

func TestLayoutOfURLs(t *testing.T) {
	t.Parallel()
	for out, want := range map[string]string{
		"out":                     "out/r/chunks.json",
		"/tmp/out/":               "/tmp/out/r/chunks.json",
		"s3://bucket/a?region=eu": "s3://bucket/a/r/chunks.json?region=eu",
		"file:///tmp/out":         "file:///tmp/out/r/chunks.json",
	} {
		layout := batch.NewLayout(out, "r")
		if got := layout.Chunks(); got != want {
			t.Errorf("%s: %s, want %s", out, got, want)
		}
		if got := batch.LayoutOf(layout.Chunks()); got != layout {
			t.Errorf("%s: the layout of %s is %v", out, layout.Chunks(), got)
		}
	}
}

func TestManifestsOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	m := batch.Manifest{Task: "split", Status: "done", Outputs: []batch.Artifact{{Name: batch.OutputChunks, URL: "u"}}}
	line, err := m.Line()
	if err != nil {
		t.Fatal(err)
	}
	read, err := batch.ReadManifest(bytes.NewReader(line), "split")
	if err != nil {
		t.Fatal(err)
	}
	if a, err := read.Output(batch.OutputChunks); err != nil || a.URL != "u" {
		t.Errorf("%v, %v", a, err)
	}
	if _, err := read.Output("else"); fault.ExitCode(err) != fault.ExitData {
		t.Error(err)
	}
	for _, text := range []string{"", "{", "null", `{"task":"load"}`, `{"task":"split","status":"failed","error":"why"}`} {
		if _, err := batch.ReadManifest(strings.NewReader(text), "split"); fault.ExitCode(err) != fault.ExitData {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestRejectsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "1;text", "\xff\xfe", "a\x00b\n"} {
		var r batch.Reject
		r.SetRaw([]byte(raw))
		line, err := batch.AppendReject(nil, &r)
		if err != nil || bytes.Count(line, []byte("\n")) != 1 || string(r.RawText()) != raw {
			t.Errorf("%q: %q, %v", raw, line, err)
		}
	}
}
