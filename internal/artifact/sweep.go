package artifact

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// tempLife is how long a temp file may go without a write before it counts as left behind by a killed process.
const tempLife = 24 * time.Hour

// sweep removes old temp files of a folder, once a folder and Store. Failing to is no error: it is tried again next
// time.
func (s *Store) sweep(folder string) {
	s.mu.Lock()
	done := s.swept[folder]
	s.swept[folder] = true
	s.mu.Unlock()
	if done {
		return
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), tempPrefix) || !e.Type().IsRegular() {
			continue
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > tempLife {
			_ = os.Remove(filepath.Join(folder, e.Name())) // see above
		}
	}
}
