package tombstone

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/pipeline"
)

// Log is events.tombstones.
type Log interface {
	// New visits what was written since the last call, from the first message on. It waits for a broker that does not
	// answer. A topic that does not exist has no messages.
	New(ctx context.Context, visit func(*pipeline.Message) error) error
}

// Fresh is how old what a Set knows may be: txflow events forget waits longer than that before it looks which messages
// were passed on by somebody who did not know.
const Fresh = time.Second

// Set follows the tombstones. It is for one goroutine.
type Set struct {
	log     Log
	keyFile string
	slog    *slog.Logger

	key       *event.ErasureKey
	forgotten *event.Forgotten // nil: nobody is
	all       map[event.PersonHash]event.Tombstone
	changes   int
	looked    time.Time // when the last look began that succeeded
}

// NewSet makes a set that hashes with the key in a file, which is read once there is a tombstone.
func NewSet(log Log, keyFile string, slog *slog.Logger) *Set {
	return &Set{log: log, keyFile: keyFile, slog: slog, all: map[event.PersonHash]event.Tombstone{}}
}

// Refresh reads what is new, unless that was done less than Fresh ago. Its error is of a key that is missing, or of
// another key than that of the tombstones: without it nobody can tell whose events are to be erased.
func (s *Set) Refresh(ctx context.Context) error {
	if !s.looked.IsZero() && time.Since(s.looked) < Fresh {
		return nil
	}
	return s.Now(ctx)
}

// Now reads what is new.
func (s *Set) Now(ctx context.Context) error {
	now := time.Now()
	var added []event.Tombstone
	err := s.log.New(ctx, func(m *pipeline.Message) error {
		t, err := parse(m)
		if err != nil { // whoever wrote it meant nobody that this release could know
			s.slog.ErrorContext(ctx, "a message is not read", "error", err)
			return nil
		}
		added = append(added, t)
		return nil
	})
	for i := range added {
		t := &added[i]
		if has, ok := s.all[t.Hash]; !ok || has.At < t.At {
			s.all[t.Hash] = *t
			s.changes++
		}
	}
	if err == nil {
		err = s.hashes()
	}
	if err == nil {
		s.looked = now
	}
	return err
}

// hashes takes the tombstones over that were added.
func (s *Set) hashes() error {
	if len(s.all) == 0 {
		return nil
	}
	if s.key == nil {
		key, err := ReadKey(s.keyFile)
		if err != nil {
			return err
		}
		s.key = &key
	}
	forgotten := event.NewForgotten(s.key)
	for _, t := range s.all {
		if t.KeyID != s.key.ID() {
			id := s.key.ID()
			s.key = nil // the file may be put right
			return fault.WithHint(fault.Failf(fault.ExitUnavailable,
				"a person is forgotten by the key %s, and %s holds the key %s", t.KeyID, s.keyFile, id),
				"put the key there that txflow events forget used first (--erasure-key, TXFLOW_ERASURE_KEY)")
		}
		forgotten.Add(&t)
	}
	s.forgotten = forgotten
	return nil
}

// Erases reports whether an event of an account and a user is erased that was published at a time, in microseconds
// since 1970.
func (s *Set) Erases(account, user string, published int64) bool {
	return s.forgotten.Erases(account, user, published)
}

// Any reports whether anybody is forgotten.
func (s *Set) Any() bool { return len(s.all) > 0 }

// Changes counts what was added.
func (s *Set) Changes() int { return s.changes }

// Of is the tombstone of a hash.
func (s *Set) Of(hash event.PersonHash) (event.Tombstone, bool) {
	t, ok := s.all[hash]
	return t, ok
}

// ReadKey reads the file of a key. A file that is not there is fs.ErrNotExist, with exit code 69.
func ReadKey(file string) (key event.ErasureKey, err error) {
	text, err := os.ReadFile(file)
	if err == nil {
		key, err = event.ParseErasureKey(string(text))
	}
	if err == nil {
		return key, nil
	}
	hint := "write the key there again that it held before"
	if errors.Is(err, fs.ErrNotExist) {
		hint = "copy the file there that txflow events forget made, or name it with --erasure-key (TXFLOW_ERASURE_KEY)"
	}
	return key, fault.WithHint(fault.Failf(fault.ExitUnavailable, "the key of forgotten persons, %s: %w", file, err),
		"%s: without the key nobody can tell whose events are to be erased", hint)
}
