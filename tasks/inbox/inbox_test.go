package inbox_test

import (
	"context"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"go.opentelemetry.io/otel/trace/noop"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/batch/batchtest"
	"github.com/txflow/txflow/tasks"
	"github.com/txflow/txflow/tasks/inbox"
)

// box is a store whose files have the times that a test gives them.
type box struct {
	batchtest.Memory
	modified map[string]time.Time
	listed   int
}

func (b *box) List(_ context.Context, pattern string) (found []batch.Object, err error) {
	urls := b.URLs()
	slices.Sort(urls)
	for _, url := range urls {
		if ok, err := path.Match(pattern, url); err != nil || !ok {
			continue
		}
		found = append(found, batch.Object{URL: url, Bytes: int64(len(b.Get(url))), Modified: b.modified[url]})
	}
	b.listed += len(found)
	return found, nil
}

var now = time.Date(2024, 6, 1, 12, 0, 0, 0, time.UTC)

func (b *box) put(url, content string, age time.Duration) {
	b.Put(url, []byte(content))
	b.modified[url] = now.Add(-age)
}

func (b *box) env() *tasks.Env {
	return &tasks.Env{Artifacts: b, Tracer: noop.NewTracerProvider().Tracer(""), Log: slog.New(slog.DiscardHandler),
		Try: 1}
}

// look returns the names of the new files and, by them, their ids.
func (b *box) look(t *testing.T, at string, limit int) (names string, ids map[string]string) {
	t.Helper()
	m, err := inbox.Look(t.Context(), b.env(), b, inbox.Config{Inbox: at, Taken: "taken", Settle: 10 * time.Second,
		Limit: limit, Now: now})
	if want := map[bool]int{true: fault.ExitNothing}[len(m.Outputs) == 0]; fault.ExitCode(err) != want ||
		m.ExitCode != want {
		t.Fatalf("%d files and exit code %d: %v", len(m.Outputs), m.ExitCode, err)
	}
	ids = map[string]string{}
	for _, a := range m.Outputs {
		ids[path.Base(a.URL)] = a.Name
		names += path.Base(a.URL) + " "
	}
	if m.Counts.In != int64(len(m.Outputs)) {
		t.Errorf("counts %+v for %d files", m.Counts, len(m.Outputs))
	}
	return strings.TrimSpace(names), ids
}

func TestOnlyWholeNewFilesOfSomeoneElseAreListed(t *testing.T) {
	t.Parallel()
	b := &box{modified: map[string]time.Time{}}
	for name, age := range map[string]time.Duration{"a.csv": 30 * time.Second, "b.csv.gz": time.Minute,
		"c.csv.zst": 10 * time.Second, "growing.csv": 9 * time.Second,
		".hidden.csv": time.Hour, "x.csv.tmp": time.Hour, "y.csv.part": time.Hour, "notes.txt": time.Hour,
		"deep/d.csv": time.Hour} {
		b.put("in/"+name, "x", age)
	}
	for at, want := range map[string]string{"in": "b.csv.gz a.csv c.csv.zst", "in/": "b.csv.gz a.csv c.csv.zst",
		"in/*": "notes.txt b.csv.gz a.csv c.csv.zst", "in/a.csv": "a.csv",
		"in/?.csv": "a.csv", "nothing": ""} {
		if got, _ := b.look(t, at, 100); got != want {
			t.Errorf("%s: got %q, want %q", at, got, want)
		}
	}
	if got, _ := b.look(t, "in", 2); got != "b.csv.gz a.csv" {
		t.Errorf("with a limit of two: %q", got)
	}
}

func TestAFileIsListedUntilItIsTakenAndAgainWhenItChanged(t *testing.T) {
	t.Parallel()
	b := &box{modified: map[string]time.Time{}}
	b.put("in/a.csv", "1", time.Minute)
	b.put("in/b.csv", "1", time.Minute)
	_, ids := b.look(t, "in", 100)
	mark, err := inbox.ParseMark(ids["a.csv"] + "=in/a.csv")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if m, err := inbox.Take(t.Context(), b.env(), "taken", []inbox.Mark{mark}); err != nil || m.Counts.In != 1 ||
			len(b.URLs()) != 3 {
			t.Fatalf("%v, %+v, %v", err, m, b.URLs())
		}
	}
	if got, again := b.look(t, "in", 100); got != "b.csv" || again["b.csv"] != ids["b.csv"] {
		t.Errorf("after a.csv was taken: %q %v", got, again)
	}
	b.put("in/a.csv", "2", 30*time.Second)
	if got, again := b.look(t, "in", 100); got != "b.csv a.csv" || again["a.csv"] == ids["a.csv"] {
		t.Errorf("after a.csv changed: %q %v", got, again)
	}
}

// The marks of an older release, which knew no months, still count, and so do its ids that are under way.
func TestOlderMarksCount(t *testing.T) {
	t.Parallel()
	b := &box{modified: map[string]time.Time{}}
	b.put("in/a.csv", "1", time.Minute)
	_, ids := b.look(t, "in", 100)
	mark, err := inbox.ParseMark(ids["a.csv"][len("202406-"):] + "=in/a.csv")
	if err != nil || !strings.HasPrefix(ids["a.csv"], "202406-") {
		t.Fatal(err, ids)
	}
	if _, err := inbox.Take(t.Context(), b.env(), "taken", []inbox.Mark{mark}); err != nil ||
		len(b.Get("taken/"+mark.ID+".json")) == 0 {
		t.Fatalf("%v, %v", err, b.URLs())
	}
	if got, _ := b.look(t, "in", 100); got != "" {
		t.Errorf("listed again: %s", got)
	}
}

// A look lists the marks of the months that the inbox has files of, and no others.
func TestALookReadsTheMarksOfItsMonths(t *testing.T) {
	t.Parallel()
	b := &box{modified: map[string]time.Time{}}
	b.put("in/a.csv", "1", time.Minute)
	b.put("in/b.csv", "1", 40*24*time.Hour)
	for i := range 1000 {
		b.Put(fmt.Sprintf("taken/202301/%016x.json", i), []byte("{}"))
	}
	_, ids := b.look(t, "in", 100)
	for file, id := range ids {
		if _, err := inbox.Take(t.Context(), b.env(), "taken", []inbox.Mark{{ID: id, URL: "in/" + file}}); err != nil {
			t.Fatal(err)
		}
	}
	b.listed = 0
	if got, _ := b.look(t, "in", 100); got != "" || b.listed != 4 { // two files and their marks
		t.Errorf("new %q, %d files were listed", got, b.listed)
	}
}

func TestAMarkIsAnIDAndAURL(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "a.csv", "0123456789abcdef", "0123456789abcdef=", "../../etc/passwd=x",
		"0123456789ABCDEF=x", "2024-0123456789abcdef=x", "202406/0123456789abcdef=x"} {
		if _, err := inbox.ParseMark(s); fault.ExitCode(err) != fault.ExitUsage {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, id := range []string{"0123456789abcdef", "202406-0123456789abcdef"} {
		if m, err := inbox.ParseMark(id + "=s3://b/k?x=1,2"); err != nil || m != (inbox.Mark{ID: id, URL: "s3://b/k?x=1,2"}) {
			t.Errorf("%+v, %v", m, err)
		}
	}
}
