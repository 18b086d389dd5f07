package source

import (
	"bytes"
	"context"
	"errors"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/txflow/txflow/internal/csvfile"
	"github.com/txflow/txflow/internal/transaction"
)

// Row is one record, checked. It is valid during the visit only.
type Row struct {
	Line        uint64
	Raw         []byte
	Fields      transaction.Fields
	Transaction transaction.Transaction // set when Violation is empty; its strings alias the block
	ContentHash uint64                  // set when Violation is empty
	Violation   transaction.Violation
}

// Scan reads all rows. Each worker turns blocks into a T with the visitor that newWorker made for it, several blocks at
// once; emit gets the T in the order of the file, one at a time. A T must not alias a row. Memory is a few blocks.
func Scan[T any](ctx context.Context, r *Reader, workers int, newWorker func() func(each func(visit func(*Row))) T,
	emit func(T) error) error {
	type job struct {
		block csvfile.Block
		done  chan T
	}
	group, ctx := errgroup.WithContext(ctx)
	jobs, order := make(chan job, workers), make(chan job, 2*workers)
	group.Go(func() error {
		defer close(order)
		defer close(jobs)
		for {
			block, err := r.splitter.Next()
			if errors.Is(err, io.EOF) {
				return drain(r)
			}
			if err != nil {
				return r.fail(err)
			}
			j := job{block, make(chan T, 1)}
			for _, to := range [2]chan job{jobs, order} {
				select {
				case to <- j:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
	})
	for range workers {
		group.Go(func() error {
			work, check := newWorker(), &checker{reader: r, watch: !r.Dialect.Decided()}
			for j := range jobs {
				j.done <- work(func(visit func(*Row)) { check.block(j.block, visit) })
			}
			return nil
		})
	}
	group.Go(func() error {
		for j := range order {
			select {
			case t := <-j.done:
				if err := emit(t); err != nil {
					return err
				}
				r.splitter.Recycle(j.block)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return err
	}
	return r.marks.verdict(r)
}

// drain reads what follows the last record of a packed file, so that the digest is of the whole file.
func drain(r *Reader) error {
	if _, err := io.Copy(io.Discard, r.unpacked); err != nil {
		return r.fail(err)
	}
	if _, err := io.Copy(io.Discard, r.raw); err != nil {
		return r.fail(err)
	}
	return nil
}

type checker struct {
	reader  *Reader
	watch   bool // the decimal mark is not decided yet
	scanner csvfile.Scanner
	row     Row
	scratch []byte
}

func (c *checker) block(b csvfile.Block, visit func(*Row)) {
	dialect := &c.reader.Dialect
	c.scanner.Reset(b, dialect.Delimiter, dialect.Width)
	row, record := &c.row, &c.scanner.Record
	for c.scanner.Scan() {
		row.Line, row.Raw = record.Line, record.Raw
		for i, at := range dialect.Columns {
			row.Fields[i] = nil
			if at < record.N {
				row.Fields[i] = record.Fields[at]
			}
		}
		switch {
		case record.Stray:
			row.Violation = transaction.Violation{Code: transaction.CodeQuote}
		case record.N != dialect.Width:
			row.Violation = transaction.Violation{Code: transaction.CodeColumns}
		default:
			row.Violation = c.reader.Rules.Parse(&row.Fields, &row.Transaction, alias)
			if row.Violation.Code == transaction.CodeOK {
				row.ContentHash = row.Transaction.ContentHash(&c.scratch)
				if c.watch {
					c.reader.marks.see(row.Fields[transaction.ColAmount], row.Line, dialect.DecimalPoint)
				}
			}
		}
		if row.Violation.Code != transaction.CodeOK && repeatsHeader(&row.Fields) {
			row.Violation = transaction.Violation{Code: transaction.CodeHeader}
		}
		visit(row)
	}
}

// repeatsHeader reports whether a row has the names of the columns for values.
func repeatsHeader(f *transaction.Fields) bool {
	for i, name := range transaction.Columns {
		if !bytes.EqualFold(bytes.TrimSpace(f[i]), []byte(name)) {
			return false
		}
	}
	return true
}
