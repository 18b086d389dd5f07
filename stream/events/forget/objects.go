package forget

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/failpoint"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/jsontext"
	"github.com/txflow/txflow/stream/deadletter"
	"github.com/txflow/txflow/stream/events"
)

// Objects are a folder or bucket.
type Objects interface {
	batch.Artifacts
	Tree(ctx context.Context, folder string) ([]batch.Object, error)
	Remove(ctx context.Context, folder, url string) error
}

// objects looks through archived events and copies of dead letters, and writes those again that hold any of the person.
func (f *Forget) objects(ctx context.Context, r *Result, erase bool) error {
	if f.Folder == "" {
		return nil
	}
	f.Progress("looking through objects", -1)
	match := matcher{person: f.Person, itemBytes: f.ItemBytes}
	looked := int64(0)
	for _, kind := range []struct {
		folder string
		line   func([]byte) ([]byte, bool)
	}{
		{"silver", func(line []byte) ([]byte, bool) { return match.archived(line, r.Erasure.Before) }},
		{"dead-letters", func(line []byte) ([]byte, bool) { return match.copied(line, r.Erasure.Before) }},
	} {
		folder := strings.TrimRight(f.Folder, "/") + "/" + kind.folder
		objects, err := f.Objects.Tree(ctx, folder)
		if err != nil {
			return err
		}
		for _, o := range objects {
			if !strings.HasSuffix(o.URL, ".ndjson") {
				continue
			}
			lines, err := f.object(ctx, folder, o.URL, kind.line, erase)
			if err != nil {
				return fault.WithHint(fmt.Errorf("%s: %w", o.URL, err),
					"the same command goes on; without objects: --objects ''")
			}
			if r.Lines += lines; lines > 0 {
				r.Objects++
			}
			looked += o.Bytes
			f.Progress("looking through objects", looked)
		}
	}
	return nil
}

// object counts the lines of an object that are of the person, and writes it without them. It is read twice, so that
// most, which have none, are not written.
func (f *Forget) object(ctx context.Context, folder, url string, line func([]byte) ([]byte, bool), erase bool) (
	lines uint64, err error) {
	left := 0
	err = f.lines(ctx, url, func(text []byte) error {
		out, of := line(text)
		if of {
			lines++
		}
		left += len(out)
		return nil
	})
	if err != nil || lines == 0 || !erase {
		return lines, err
	}
	if left == 0 {
		err = f.Objects.Remove(ctx, folder, url)
		failpoint.Pass(failpoint.Rewritten)
		return lines, err
	}
	w, err := f.Objects.Create(ctx, url)
	if err != nil {
		return lines, err
	}
	defer w.Abort()
	err = f.lines(ctx, url, func(text []byte) error {
		out, _ := line(text)
		if len(out) == 0 {
			return nil
		}
		_, err := w.Write(append(out, '\n'))
		return err
	})
	if err == nil {
		_, err = w.Commit(ctx)
	}
	failpoint.Pass(failpoint.Rewritten)
	return lines, err
}

// lines visits the lines of an object, without their ends. One that is gone has none.
func (f *Forget) lines(ctx context.Context, url string, visit func([]byte) error) error {
	in, err := f.Objects.Open(ctx, url, "")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	r := bufio.NewReaderSize(in, 1<<20)
	for {
		line, err := r.ReadBytes('\n')
		if text := bytes.TrimSuffix(line, []byte{'\n'}); len(text) > 0 {
			if err := visit(text); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// archived is what remains of a line with an event: the same as txflow events archive writes for a forgotten person.
func (m *matcher) archived(line []byte, before int64) (out []byte, of bool) {
	if !m.holds(line, refinedText) {
		return line, false
	}
	return events.EraseMessage(line, func(r *events.Refined) bool {
		return m.person.Is(r.AccountID, r.UserID) && r.PublishedUS < before
	})
}

// refinedText is a text as events.AppendRefined writes it.
func refinedText(text string) []byte { return append(jsontext.Append([]byte{'"'}, text), '"') }

// copied is what remains of a line with a dead letter of the collector: nothing, if it is of the person.
func (m *matcher) copied(line []byte, before int64) (out []byte, of bool) {
	var d deadletter.Message
	if json.Unmarshal(line, &d) == nil && d.VersionUS >= before || !m.deadLetter(events.DeadLetters, line) {
		return line, false
	}
	return nil, true
}
