package eventscmd

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/events/tombstone"
)

// erasureKey reads the key, or makes one where nobody was forgotten yet. Made says so.
func erasureKey(file string, anybody bool) (key event.ErasureKey, made bool, err error) {
	key, err = tombstone.ReadKey(file)
	if err == nil || anybody || !errors.Is(err, fs.ErrNotExist) {
		return key, false, err
	}
	key = event.NewErasureKey()
	if err := writeKey(file, key.Text()+"\n"); err != nil {
		if errors.Is(err, fs.ErrExist) { // another made one meanwhile
			key, err = tombstone.ReadKey(file)
			return key, false, err
		}
		return key, false, fault.WithHint(fault.Failf(fault.ExitUnavailable, "the key of forgotten persons: %w", err),
			"name a file that can be written with --erasure-key (TXFLOW_ERASURE_KEY)")
	}
	return key, true, nil
}

// writeKey makes a file that was not there, whole, for its owner alone.
func writeKey(file, text string) error {
	folder := filepath.Dir(file)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, ".key-") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // it has another name too, or is of no use
	if _, err = f.WriteString(text); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), file) // unlike renaming it replaces none
}
