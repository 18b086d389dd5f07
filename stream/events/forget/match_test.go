package forget

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/stream/deadletter"
	"github.com/txflow/txflow/stream/events"
)

func rawOf(account, user string) []byte {
	return events.AppendRaw(events.AppendHeader(nil, 1), &event.Event{ID: event.NewID(), AccountID: account, UserID: user,
		Type: "T", Form: event.FormSimple})
}

// TestMatch finds a person in whatever a dead letter may hold, and nobody else.
func TestMatch(t *testing.T) {
	t.Parallel()
	const limit = 1 << 16
	unreadable := func(origin string, raw []byte) string {
		return fmt.Sprintf(`{"origin":%q,"raw":%q,"id":null}`, origin, base64.StdEncoding.EncodeToString(raw))
	}
	for _, c := range []struct {
		origin, raw string
		user, both  bool // of the user; of the user in company-1
	}{
		{events.Raw, string(rawOf("company-1", "josé")), true, true},
		{events.Raw, string(rawOf("company-2", "josé")), true, false},
		{events.Raw, string(rawOf("company-1", "josé2")), false, false},
		{events.Raw, string(rawOf("company-1", "josé")[:120]), true, true}, // cut off: it can not be read
		{events.Collector, `{"event_type":"A","company_id":"company-1","user_id":"josé"}`, true, true},
		{events.Collector, `{"event_type":"A","company_id":"company-1","user_id":"jos\u00e9"}`, true, true},
		{events.Collector, `{"user_id":"jos\u00e9","event_type":7,"company_id":"company-1"}`, true, true},
		{events.Collector, `{"user_id":"josé","user_id":"other","company_id":["company-1"]}`, true, true},
		{events.Collector, `{"data":{"x":"josé"},"user_id":"other","company_id":"company-1"}`, false, false},
		{events.Collector, `{"user_id":"josé","company_id":"company-1","x":`, true, true},
		{events.Collector, `{"user_id":"josé2"}`, false, false},
		{events.Silver, `{"event_id":"x","account_id":"company-1","user_id":"josé","score":null}`, true, true},
		{events.DeadLetters, unreadable(events.Raw, rawOf("company-1", "josé")), true, true},
		{events.DeadLetters, unreadable(events.Collector, []byte(`{"user_id":"jos\u00e9"}`)), true, false},
		{events.DeadLetters, unreadable(events.Collector, []byte(`{"user_id":"other"}`)), false, false},
	} {
		for _, p := range []struct {
			person event.Person
			want   bool
		}{{event.Person{User: "josé"}, c.user}, {event.Person{User: "josé", Account: "company-1"}, c.both}} {
			m := matcher{person: p.person, itemBytes: limit}
			if got := m.deadLetter(c.origin, []byte(c.raw)); got != p.want {
				t.Errorf("%+v in %s %q: %v", p.person, c.origin, c.raw, got)
			}
		}
	}
	if m := (matcher{person: event.Person{User: "7"}, itemBytes: limit}); !m.deadLetter(events.Collector,
		[]byte(`{"user_id":7}`)) {
		t.Error("a number is no id")
	}
}

// TestObjects takes a person out of archived events and of copies of dead letters, and leaves other objects as they
// are.
func TestObjects(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	line := func(user string, published int64) string {
		return string(events.AppendRefined(nil, &events.Refined{EventID: "e", UserID: user, PublishedUS: published,
			AccountID: "a", Score: "1", Form: "simple"}))
	}
	dead := func(user string, version int64) string {
		return string(deadletter.Append(nil, &ledger.RunInfo{}, &ledger.DeadLetter{
			Origin: ledger.Origin{Origin: events.Collector}, Raw: []byte(`{"user_id":"` + user + `"}`), Version: version}, 0,
			""))
	}
	files := map[string]string{
		"silver/d/0.ndjson":         line("gone", 1) + "\n" + line("there", 1) + "\n" + line("gone", 9) + "\n",
		"silver/d/1.ndjson":         line("there", 1) + "\n",
		"silver/d/other.txt":        line("gone", 1) + "\n",
		"dead-letters/d/1/0.ndjson": dead("gone", 1) + "\n" + dead("there", 1) + "\n" + dead("gone", 9) + "\n",
		"dead-letters/d/1/1.ndjson": dead("gone", 1) + "\n",
	}
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := Forget{Person: event.Person{User: "gone"}, Objects: artifact.New(t.Context()), Folder: folder, ItemBytes: 1 << 16,
		Progress: func(string, int64) {}}
	r := Result{Erasure: ledger.Erasure{Before: 5}}
	if err := f.objects(t.Context(), &r, false); err != nil || r.Objects != 3 || r.Lines != 3 {
		t.Errorf("%v, %+v", err, r)
	}
	for _, want := range []Result{{Objects: 3, Lines: 3}, {}} { // the second time there is nothing
		r := Result{Erasure: ledger.Erasure{Before: 5}}
		if err := f.objects(t.Context(), &r, true); err != nil || r.Objects != want.Objects || r.Lines != want.Lines {
			t.Errorf("%v, %+v", err, r)
		}
	}
	erased := events.Refined{EventID: "e", PublishedUS: 1}
	erased.Erase(events.FormErased)
	files["silver/d/0.ndjson"] = string(events.AppendRefined(nil, &erased)) + "\n" + line("there", 1) + "\n" +
		line("gone", 9) + "\n"
	files["dead-letters/d/1/0.ndjson"] = dead("there", 1) + "\n" + dead("gone", 9) + "\n"
	delete(files, "dead-letters/d/1/1.ndjson")
	found := 0
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		found++
		text, err := os.ReadFile(path)
		name := strings.TrimPrefix(path, folder+"/")
		if !bytes.Equal(text, []byte(files[name])) {
			t.Errorf("%s is\n%swant\n%s", name, text, files[name])
		}
		return err
	})
	if err != nil || found != len(files) {
		t.Errorf("%v, %d files, want %d", err, found, len(files))
	}
}
