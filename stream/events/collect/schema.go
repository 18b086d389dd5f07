package collect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/events"
)

// Schema is the id that the registry has given to the schema of events.raw. Ids never change, so it is asked for once,
// and kept in a file: the collector starts and works without the registry then.
type Schema struct {
	id     atomic.Int64 // 0 while it is not known
	ask    func(ctx context.Context) (int32, error)
	path   string // of the file; "" for none
	origin string // which registry and schema the file is about
	log    *slog.Logger
	wait   time.Duration // between two questions
}

// FixedSchema is an id that is known.
func FixedSchema(id int32) *Schema {
	s := &Schema{}
	s.id.Store(int64(id))
	return s
}

// schemaFile is what the file holds.
type schemaFile struct {
	Registry string `json:"registry"`
	Schema   string `json:"schema_sha256"`
	ID       int32  `json:"id"`
}

// NewSchema asks a registry, whose address names it in the file. An id in the file counts.
func NewSchema(registry, path string, ask func(ctx context.Context) (int32, error), log *slog.Logger) *Schema {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Schema{ask: ask, path: path, origin: registry, log: log, wait: time.Second}
	if text, err := os.ReadFile(path); err == nil {
		var f schemaFile
		if json.Unmarshal(text, &f) == nil && f.Registry == registry && f.Schema == schemaSum() && f.ID > 0 {
			s.id.Store(int64(f.ID))
		}
	} else if path != "" && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("the file with the schema's id cannot be read; the registry is asked", "path", path, "error", err)
	}
	return s
}

func schemaSum() string {
	sum := sha256.Sum256([]byte(events.RawSchema))
	return hex.EncodeToString(sum[:])
}

// ID is the id; false while it is not known.
func (s *Schema) ID() (int32, bool) {
	id := s.id.Load()
	return int32(id), id > 0
}

// Learn asks the registry until it knows the id or the context ends.
func (s *Schema) Learn(ctx context.Context) {
	warned := time.Time{}
	for {
		if _, ok := s.ID(); ok {
			return
		}
		id, err := s.ask(ctx)
		switch {
		case err == nil && id > 0:
			s.id.Store(int64(id))
			s.keep(id)
			s.log.InfoContext(ctx, "the schema of events.raw is known", "id", id)
			return
		case ctx.Err() == nil && time.Since(warned) > 10*time.Second:
			warned = time.Now()
			s.log.WarnContext(ctx, "the schema of events.raw is not known yet; no event is accepted before", "error",
				err, "next", fault.Hint(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.wait):
		}
	}
}

// keep writes the file. Without it the registry is asked at the next start.
func (s *Schema) keep(id int32) {
	if s.path == "" {
		return
	}
	text, _ := json.Marshal(schemaFile{s.origin, schemaSum(), id}) // plain data
	err := os.MkdirAll(filepath.Dir(s.path), 0o755)
	if err == nil {
		err = os.WriteFile(s.path+".new", append(text, '\n'), 0o644)
	}
	if err == nil {
		err = os.Rename(s.path+".new", s.path)
	}
	if err != nil {
		s.log.Warn("the schema's id is not kept: the next start needs the registry", "path", s.path, "error", err)
	}
}
