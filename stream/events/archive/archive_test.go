package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/status"
)

// log is a partition in memory: offsets of messages, between which are those of markers and of aborted messages.
type log struct {
	begin, end, next int64
	recorded         []int64
	fail             int64 // reading ends with an error at this offset; 0 for never
}

var errRead = errors.New("gone")

func (l *log) Partitions(context.Context) (string, []status.Partition, error) {
	return "a/b+=", []status.Partition{{Number: 3, Begin: l.begin, End: l.end, Committed: l.next}}, nil
}

func (l *log) Read(_ context.Context, _ int32, from, end int64, visit func(*pipeline.Message) error) error {
	for offset := max(from, l.begin); offset < end; offset++ {
		if offset == l.fail && l.fail > 0 {
			return errRead
		}
		if offset%100 == 99 || offset/Range == 3 { // of a marker
			continue
		}
		day := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC).Add(time.Duration(offset) * 5 * time.Second)
		if err := visit(&pipeline.Message{Partition: 3, Offset: offset, Time: day,
			Value: fmt.Append(nil, offset)}); err != nil {
			return err
		}
	}
	return nil
}

func (l *log) Record(_ context.Context, _ int32, next int64) error {
	l.next = next
	l.recorded = append(l.recorded, next)
	return nil
}

func run(t *testing.T, l *log, folder string) (Done, error) {
	t.Helper()
	a := Archiver{Log: l, Store: artifact.New(t.Context()), Objects: folder, Slog: slog.New(slog.DiscardHandler)}
	return a.Run(t.Context())
}

// files are the objects of a folder with their contents.
func files(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(folder, path)
		found[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestRepeats has the same names and contents from one run, from runs that end in the middle, and from runs that begin
// again.
func TestRepeats(t *testing.T) {
	t.Parallel()
	whole := t.TempDir()
	done, err := run(t, &log{end: 54_321, next: -1}, whole)
	if err != nil || done != (Done{Objects: 4, Events: 4 * 9900, Waiting: 4321}) {
		t.Fatalf("%v, %+v", err, done)
	}
	want := files(t, whole)
	if names := slices.Sorted(maps.Keys(want)); !slices.Equal(names,
		[]string{"silver/2026-11-26/3-000000000000-a_b-.ndjson",
			"silver/2026-11-26/3-000000010000-a_b-.ndjson", "silver/2026-11-27/3-000000020000-a_b-.ndjson",
			"silver/2026-11-28/3-000000040000-a_b-.ndjson"}) || !strings.HasPrefix(want[names[1]], "10000\n10001\n") {
		t.Errorf("%q", names)
	}
	parts := t.TempDir()
	l := &log{next: -1}
	for _, end := range []int64{0, 9_999, 10_000, 25_000, 39_999, 54_321} {
		l.end, l.fail = end, end*3/4
		if _, err := run(t, l, parts); err != nil && !errors.Is(err, errRead) {
			t.Fatal(err)
		}
		l.fail = 0
		if _, err := run(t, l, parts); err != nil {
			t.Fatal(err)
		}
	}
	if got := files(t, parts); !maps.Equal(got, want) || l.next != 50_000 {
		t.Errorf("%q, next %d", slices.Sorted(maps.Keys(got)), l.next)
	}
	l.next = -1 // what was recorded is lost
	if done, err := run(t, l, parts); err != nil || done != (Done{There: 4, Waiting: 4321}) ||
		!maps.Equal(files(t, parts), want) {
		t.Errorf("%v, %+v", err, done)
	}
}

// TestDeleted leaves out the ranges that are not whole any more, and says so.
func TestDeleted(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	done, err := run(t, &log{begin: 10_001, end: 30_000, next: 0}, folder)
	if err != nil || done != (Done{Objects: 1, Events: 9900, Deleted: 10_001}) {
		t.Errorf("%v, %+v", err, done)
	}
	if names := slices.Collect(maps.Keys(files(t, folder))); len(names) != 1 ||
		!strings.Contains(names[0], "3-000000020000-") {
		t.Errorf("%q", names)
	}
}

// persons are forgotten one after another, each time that somebody asks, as far as asked says.
type persons struct {
	asked, at int
	known     bool
}

func (p *persons) Now(context.Context) error {
	p.asked++
	p.known = p.known || p.asked >= p.at
	return nil
}

func (p *persons) Changes() int {
	if p.known {
		return 1
	}
	return 0
}

func (p *persons) Any() bool { return p.known }

func (p *persons) Erases(account, user string, published int64) bool {
	return p.known && account == "a" && user == "gone" && published < 20_000
}

// silver is a log of refined events, of which every tenth is of a person who is forgotten.
type silver struct{ log }

func (s *silver) Read(ctx context.Context, partition int32, from, end int64,
	visit func(*pipeline.Message) error) error {
	return s.log.Read(ctx, partition, from, end, func(m *pipeline.Message) error {
		r := events.Refined{EventID: fmt.Sprint(m.Offset), AccountID: "a", UserID: "there", PublishedUS: m.Offset, Score: "1",
			Form: "simple"}
		if m.Offset%10 == 0 {
			r.UserID = "gone"
		}
		m.Value = events.AppendRefined(nil, &r)
		return visit(m)
	})
}

// TestForgotten has nothing of a forgotten person in any object, whether the tombstone came before or while an object
// was
// made; what was published later stays. Made again by whomever, objects are the same.
func TestForgotten(t *testing.T) {
	t.Parallel()
	var want map[string]string
	for _, at := range []int{0, 2, 4} { // twice an object is asked
		folder := t.TempDir()
		a := Archiver{Log: &silver{log{end: 20_000, next: -1}}, Store: artifact.New(t.Context()), Objects: folder,
			Slog: slog.New(slog.DiscardHandler), Forgotten: &persons{at: at}}
		done, err := a.Run(t.Context())
		if err != nil || done.Objects != 2 {
			t.Fatalf("%v, %+v", err, done)
		}
		got := files(t, folder)
		text := strings.Join(slices.Collect(maps.Values(got)), "")
		gone, erased := strings.Count(text, `"gone"`), strings.Count(text, `"form":"erased"`)
		if objects := max((at+1)/2-1, 0); objects == 0 { // those that were made before the tombstone are forget's to erase
			if want == nil {
				want = got
			}
			if gone != 0 || erased != 2000 || !maps.Equal(got, want) {
				t.Errorf("at %d: %d lines of the person, %d erased", at, gone, erased)
			}
		} else if gone != 1000*objects {
			t.Errorf("at %d: %d lines of the person", at, gone)
		}
	}
}
