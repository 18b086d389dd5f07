package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/tasks/validate"
)

// Bounds of an insert of rows that were left out: a raw row may be long.
const (
	leftOutRows  = 10_000
	leftOutBytes = 16 << 20
)

// leftOut stores the rows of the run that are not accepted: rejects as dead letters, duplicates in the ledger.
func (l *loader) leftOut(ctx context.Context) error {
	if err := l.rejects(ctx); err != nil {
		return fmt.Errorf("rejected rows: %w", err)
	}
	if err := l.duplicates(ctx); err != nil {
		return fmt.Errorf("duplicates: %w", err)
	}
	return nil
}

func (l *loader) rejects(ctx context.Context) error {
	// Rejects bear the time at which they were judged: loading them again must not look like news.
	judged := l.cfg.Chunks.JudgedAt
	if judged.IsZero() { // validated by an older version of txflow
		var m batch.Manifest
		if err := batch.ReadJSON(ctx, l.env.Artifacts, l.env.Layout.Manifest(validate.Name, -1), "", &m); err != nil {
			return err
		}
		judged = m.StartedAt
	}
	var rows []ledger.DeadLetter
	size := 0
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		err := l.store.InsertDeadLetters(ctx, l.info, rows)
		l.count(ledger.Counts{In: int64(len(rows)), Rejected: int64(len(rows))})
		rows, size = rows[:0], 0
		return err
	}
	err := l.lines(ctx, l.cfg.Chunks.Rejected, func(line []byte) error {
		row, err := l.deadLetter(line, judged)
		if err != nil {
			return err
		}
		rows = append(rows, row)
		if size += len(row.Raw); len(rows) >= leftOutRows || size >= leftOutBytes {
			return flush()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

func (l *loader) deadLetter(line []byte, judged time.Time) (ledger.DeadLetter, error) {
	var r batch.Reject
	if err := json.Unmarshal(line, &r); err != nil {
		return ledger.DeadLetter{}, fault.Failf(fault.ExitData, "a rejected row can not be read back: %w", err)
	}
	origin, err := l.origin(r.File, r.Line)
	if err != nil {
		return ledger.DeadLetter{}, err
	}
	row := ledger.DeadLetter{Outcome: ledger.OutcomeRejected, SourceID: r.SourceID, Origin: origin, Column: r.Column,
		Code: r.Code, Message: r.Message, Raw: r.RawText(), At: judged, Version: l.cfg.Chunks.Version()}
	if id, ok := transaction.ParseUUID([]byte(r.ID)); ok {
		row.ID = &id
	}
	if r.ContentHash != "" {
		if row.ContentHash, err = strconv.ParseUint(r.ContentHash, 16, 64); err != nil {
			return row, fault.Failf(fault.ExitData, "a rejected row can not be read back: %w", err)
		}
	}
	return row, nil
}

func (l *loader) duplicates(ctx context.Context) error {
	var rows []ledger.Duplicate
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		err := l.store.InsertDuplicates(ctx, l.info, rows)
		l.count(ledger.Counts{In: int64(len(rows)), Duplicates: int64(len(rows))})
		rows = rows[:0]
		return err
	}
	header := true
	err := l.lines(ctx, l.cfg.Chunks.Duplicates, func(line []byte) error {
		if header {
			header = false
			return nil
		}
		r, err := batch.ParseRepeat(line)
		if err != nil {
			return fault.Fail(fault.ExitData, err)
		}
		at, err := l.origin(r.File, r.Line)
		if err != nil {
			return err
		}
		first, err := l.origin(r.FirstFile, r.FirstLine)
		if err != nil {
			return err
		}
		rows = append(rows, ledger.Duplicate{ID: r.ID, ContentHash: r.ContentHash, Origin: at, FirstOrigin: first.Origin,
			FirstPosition: first.Position})
		if len(rows) >= leftOutRows {
			return flush()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

func (l *loader) origin(file int, line uint64) (ledger.Origin, error) {
	if file < 0 || file >= len(l.cfg.Chunks.Files) {
		return ledger.Origin{}, fault.Failf(fault.ExitData, "a row names file %d, the run has %d", file,
			len(l.cfg.Chunks.Files))
	}
	f := l.cfg.Chunks.Files[file]
	return ledger.Origin{Origin: f.URL, Digest: f.SHA256, Position: line}, nil
}

// lines calls visit for each line of an artifact; the line is valid during the visit.
func (l *loader) lines(ctx context.Context, a batch.Artifact, visit func([]byte) error) error {
	f, err := l.env.Artifacts.Open(ctx, a.URL, a.SHA256)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	r := bufio.NewReaderSize(f, 256<<10)
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := visit(bytes.TrimSuffix(line, []byte{'\n'})); err != nil {
			return err
		}
	}
}

func (l *loader) count(c ledger.Counts) {
	l.mu.Lock()
	l.manifest.Counts.Add(c)
	l.mu.Unlock()
}
