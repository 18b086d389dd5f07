package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"iter"
	"slices"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
)

var classifiedColumns = columns{
	{Name: "id", Type: "UUID"}, {Name: "source_id", Type: "String"}, {Name: "description", Type: "String"},
	{Name: "amount", Type: "Decimal(18, 4)"}, {Name: "timestamp", Type: microTimestamp},
	{Name: "merchant", Type: "String"},
	{Name: "merchant_null", Type: "UInt8"}, {Name: "operation_type", Type: "String"}, {Name: "side", Type: "UInt8"},
	{Name: "category", Type: "String"}, {Name: "position", Type: "UInt64"}, {Name: "content_hash", Type: "UInt64"},
	{Name: "version_us", Type: "Int64"}, {Name: "call", Type: "LowCardinality(String)"},
}

var classifiedInsert = classifiedColumns.statement("incoming_classified")

// InsertClassified stores rows and their ledger entries: one block, one insert. It waits out an outage.
// The rows come in pieces, and are asked for again for another try; their error is returned as it is.
func (s *Store) InsertClassified(ctx context.Context, info ledger.RunInfo,
	rows iter.Seq2[[]ledger.Classified, error]) error {
	return s.send(ctx, classifiedInsert, classifiedColumns, func(b driver.Batch) error {
		f := filler{batch: b}
		for piece, err := range rows {
			if err != nil {
				return &inputError{err}
			}
			if err := f.add(info, piece); err != nil {
				return err
			}
		}
		return f.done()
	})
}

// filler fills a batch column by column, some of its rows at a time.
type filler struct {
	batch               driver.Batch
	rows                []ledger.Classified
	column              int
	err                 error
	amounts, timestamps values64
}

// values64 are the values of a column as ClickHouse's format Native has a Decimal(18, …) or a DateTime64: 64 bits each,
// the lowest byte first. The driver's own way in takes a Decimal through math/big, and a time between 1678 and 2262
// only.
type values64 struct {
	column int
	bytes  []byte
}

func (f *filler) add(info ledger.RunInfo, rows []ledger.Classified) error {
	f.rows, f.column = rows, 0
	fill(f, func(r *ledger.Classified) uuid.UUID { return uuid.UUID(r.Transaction.ID) })
	fill(f, func(r *ledger.Classified) string { return r.Transaction.SourceID })
	fill(f, func(r *ledger.Classified) string { return r.Transaction.Description })
	f.fill64(&f.amounts, func(r *ledger.Classified) int64 { return int64(r.Transaction.Amount) })
	f.fill64(&f.timestamps, func(r *ledger.Classified) int64 { return r.Transaction.Timestamp.UnixMicro() })
	fill(f, func(r *ledger.Classified) string { return r.Transaction.Merchant })
	fill(f, func(r *ledger.Classified) uint8 { return flag(!r.Transaction.HasMerchant) })
	fill(f, func(r *ledger.Classified) string { return r.Transaction.OperationType })
	fill(f, func(r *ledger.Classified) uint8 { return uint8(r.Transaction.Side) })
	fill(f, func(r *ledger.Classified) string { return r.Category.String() })
	fill(f, func(r *ledger.Classified) uint64 { return r.Origin.Position })
	fill(f, func(r *ledger.Classified) uint64 { return r.ContentHash })
	fill(f, func(r *ledger.Classified) int64 { return r.Version })
	f.calls(info)
	return f.err
}

// columnPiece is how many values are laid out at a time: few enough to stay in the processor's cache.
const columnPiece = 4096

// fill appends the next column.
func fill[T any](f *filler, value func(*ledger.Classified) T) {
	column := f.batch.Column(f.column)
	piece := make([]T, 0, min(columnPiece, len(f.rows)))
	for i := 0; i < len(f.rows) && f.err == nil; {
		piece = piece[:0]
		for ; i < len(f.rows) && len(piece) < columnPiece; i++ {
			piece = append(piece, value(&f.rows[i]))
		}
		f.fail(column.Append(piece))
	}
	f.column++
}

// fill64 keeps the values of the next column until done.
func (f *filler) fill64(values *values64, value func(*ledger.Classified) int64) {
	values.column = f.column
	values.bytes = slices.Grow(values.bytes, 8*len(f.rows))
	for i := range f.rows {
		bits := uint64(value(&f.rows[i]))
		values.bytes = binary.LittleEndian.AppendUint64(values.bytes, bits)
	}
	f.column++
}

// done completes the batch after its last piece.
func (f *filler) done() error {
	columns := f.batch.Columns()
	for _, v := range []*values64{&f.amounts, &f.timestamps} {
		f.column = v.column
		f.fail(columns[v.column].Decode(proto.NewReader(bytes.NewReader(v.bytes)), len(v.bytes)/8))
	}
	return f.err
}

func (f *filler) fail(err error) {
	if err != nil && f.err == nil {
		f.err = fault.Failf(fault.ExitFault, "column %s: %w", classifiedColumns[f.column].Name, err)
	}
}

// calls appends the column of calls: rows of one request are adjacent, so its text is made once.
func (f *filler) calls(info ledger.RunInfo) {
	column := f.batch.Column(f.column)
	var text any // a string, put into an interface once
	for i := 0; i < len(f.rows) && f.err == nil; i++ {
		r := &f.rows[i]
		if i == 0 || r.Call != f.rows[i-1].Call || r.Origin.Origin != f.rows[i-1].Origin.Origin ||
			r.Origin.Partition != f.rows[i-1].Origin.Partition {
			text = string(info.AppendCall(nil, r.Origin, r.Call))
		}
		f.fail(column.AppendRow(text))
	}
	f.column++
}
