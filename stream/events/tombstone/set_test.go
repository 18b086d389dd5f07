package tombstone

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/pipeline"
)

// log is events.tombstones in memory.
type log struct {
	messages []pipeline.Message
	looks    int
	err      error
}

func (l *log) New(_ context.Context, visit func(*pipeline.Message) error) error {
	l.looks++
	for i := range l.messages {
		if err := visit(&l.messages[i]); err != nil {
			return err
		}
	}
	l.messages = nil
	return l.err
}

func (l *log) add(t *event.Tombstone, at int64) {
	r := Record(t)
	l.messages = append(l.messages, pipeline.Message{Key: r.Key, Value: r.Value, Time: time.UnixMicro(at)})
}

func keyFile(t *testing.T, key *event.ErasureKey) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(key.Text()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestSet follows a log: of two tombstones of a person the later counts, one without a time of its own reaches Margin
// beyond that of its message, and what is no tombstone changes nothing.
func TestSet(t *testing.T) {
	t.Parallel()
	key := event.NewErasureKey()
	user := event.Person{User: "u"}
	tombstone := func(at int64) *event.Tombstone {
		return &event.Tombstone{Hash: key.Hash(user), Scope: event.ScopeUser, KeyID: key.ID(), At: at}
	}
	l := &log{}
	s := NewSet(l, keyFile(t, &key), slog.New(slog.DiscardHandler))
	now := func() {
		t.Helper()
		if err := s.Now(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if now(); s.Any() || s.Erases("a", "u", 0) || s.Changes() != 0 {
		t.Error("somebody is forgotten before anybody was")
	}
	l.add(tombstone(100), 5)
	l.add(tombstone(50), 6) // an older one that came again
	for _, text := range []string{"", "{}", "[]", `{"hash":"00","scope":"user","key_id":"k"}`,
		strings.Replace(string(Record(tombstone(9e15)).Value), `"user"`, `"planet"`, 1)} {
		l.messages = append(l.messages, pipeline.Message{Value: []byte(text)})
	}
	if now(); !s.Any() || !s.Erases("a", "u", 99) || s.Erases("a", "u", 100) || s.Erases("a", "v", 0) || s.Changes() != 1 {
		t.Errorf("after the first tombstone: %d changes", s.Changes())
	}
	l.add(tombstone(0), 1000)
	if now(); !s.Erases("", "u", 1000+Margin-1) || s.Erases("", "u", 1000+Margin) || s.Changes() != 2 {
		t.Error("a tombstone without a time does not reach Margin beyond that of its message")
	}
	if got, ok := s.Of(key.Hash(user)); !ok || got.At != 1000+Margin {
		t.Errorf("the tombstone is %+v, %t", got, ok)
	}
}

// TestRefresh looks again only after Fresh, or when the last look failed.
func TestRefresh(t *testing.T) {
	t.Parallel()
	l := &log{err: errors.New("no broker")}
	s := NewSet(l, "", slog.New(slog.DiscardHandler))
	for range 2 {
		if err := s.Refresh(t.Context()); err == nil {
			t.Error("a look that failed counts")
		}
	}
	l.err = nil
	for range 3 {
		if err := s.Refresh(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if l.looks > 4 || l.looks < 3 { // one more where the machine took longer than Fresh
		t.Errorf("%d looks, want 3", l.looks)
	}
	s.looked = s.looked.Add(-Fresh)
	if looks := l.looks; s.Refresh(t.Context()) != nil || l.looks != looks+1 {
		t.Error("what is old is not read again")
	}
}

// TestKeys has a tombstone without its key, with another one, and then with the right one, which is found without a new
// message.
func TestKeys(t *testing.T) {
	t.Parallel()
	key, other := event.NewErasureKey(), event.NewErasureKey()
	file := filepath.Join(t.TempDir(), "key")
	l := &log{}
	s := NewSet(l, file, slog.New(slog.DiscardHandler))
	l.add(&event.Tombstone{Hash: key.Hash(event.Person{User: "u"}), Scope: event.ScopeUser, KeyID: key.ID(), At: 5}, 1)
	for text, hint := range map[string]string{"": "copy the file there", other.Text(): "put the key there",
		"short": "write the key there again"} {
		if text != "" {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		} else if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		err := s.Now(t.Context())
		if fault.ExitCode(err) != fault.ExitUnavailable || !strings.Contains(fault.Hint(err), hint) ||
			strings.Contains(err.Error(), key.Text()) {
			t.Errorf("with %q: %v (%s)", text, err, fault.Hint(err))
		}
		if s.Erases("", "u", 1) {
			t.Error("an event is erased by no key")
		}
	}
	if err := os.WriteFile(file, []byte(key.Text()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Now(t.Context()); err != nil || !s.Erases("", "u", 1) {
		t.Errorf("with its key: %v", err)
	}
}
