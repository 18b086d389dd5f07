// Package answers reads the rows of a classified chunk together with the ML API's answers, as load and compare need
// them.
package answers

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"iter"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/transaction"
)

// Block is some segments of a chunk, with the parts that answer them: what is stored or looked up at once.
type Block struct {
	Chunk    *batch.Chunk
	offset   int64   // of the first segment in the chunk
	first    int     // its first row in the chunk
	versions []int64 // of its rows; nil where they have that of the run
	segments []batch.Segment
	parts    []batch.Artifact
}

// Rows counts the block's rows, answered and refused.
func (b *Block) Rows() (n int64) {
	for _, s := range b.segments {
		n += int64(s.Rows)
	}
	return n
}

// Blocks cuts a classified chunk into blocks of at most so many rows, but of one segment at least. A chunk that is not
// classified, or was another when it was, is an error with exit code 65.
func Blocks(ctx context.Context, artifacts batch.Artifacts, layout batch.Layout, chunk *batch.Chunk,
	limit int) (all []Block, err error) {
	parts, err := classified(ctx, artifacts, layout.Classified(chunk.Index), chunk)
	if err != nil {
		return nil, err
	}
	var offset int64
	at := 0
	for first := 0; first < len(chunk.Segments); {
		b := Block{Chunk: chunk, offset: offset, first: at}
		next, rows := first, 0
		for ; next < len(chunk.Segments) && (next == first || rows+chunk.Segments[next].Rows <= limit); next++ {
			rows += chunk.Segments[next].Rows
			offset += int64(chunk.Segments[next].Bytes)
		}
		b.segments, b.parts = chunk.Segments[first:next], parts[first:next]
		all = append(all, b)
		first, at = next, at+rows
	}
	return all, nil
}

// classified reads the index of a chunk's parts, which classify wrote.
func classified(ctx context.Context, artifacts batch.Artifacts, url string, chunk *batch.Chunk) ([]batch.Artifact,
	error) {
	var index batch.ClassifiedChunk
	err := batch.ReadJSON(ctx, artifacts, url, "", &index)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.WithHint(fault.Failf(fault.ExitData, "chunk %d is not classified: %w", chunk.Index, err),
			"run txflow classify first")
	case err != nil:
		return nil, err
	case index.Chunk != chunk.SHA256 || len(index.Parts) != len(chunk.Segments):
		return nil, fault.WithHint(fault.Failf(fault.ExitData, "%s is of another chunk", url), "run txflow classify again")
	}
	return index.Parts, nil
}

// Reader joins a block's rows with their answers, a segment at a time in memory that it uses again. The zero value is
// ready.
type Reader struct {
	Version int64               // of the rows of blocks without versions of their own
	Refused []ledger.DeadLetter // of the whole block, once it is read
	At      []int               // for each row that Read gave last its number in the chunk
	next    int                 // the number of the next segment's first row
	block   *Block
	text    []byte
	rows    []ledger.Classified
	decoder batch.RowDecoder
}

// Read gives a block's answered rows, a segment at a time. It can be ranged over again.
func (r *Reader) Read(ctx context.Context, artifacts batch.Artifacts, b *Block,
	files []batch.File) iter.Seq2[[]ledger.Classified, error] {
	return func(yield func([]ledger.Classified, error) bool) {
		r.Refused, r.block, r.next = r.Refused[:0], b, b.first
		chunk, err := artifacts.OpenAt(ctx, b.Chunk.URL, b.offset)
		if err != nil {
			yield(nil, err)
			return
		}
		defer func() { _ = chunk.Close() }() // it was only read
		for i, segment := range b.segments {
			err := r.segment(ctx, artifacts, chunk, segment, b.parts[i], b.Chunk.URL, files)
			if !yield(r.rows, err) || err != nil {
				return
			}
		}
	}
}

// segment reads a segment's rows and answers.
func (r *Reader) segment(ctx context.Context, artifacts batch.Artifacts, chunk io.Reader, segment batch.Segment,
	at batch.Artifact, url string, files []batch.File) (err error) {
	r.rows, r.At = r.rows[:0], r.At[:0]
	defer func() { r.next += segment.Rows }()
	if r.text, err = batch.ReadSegment(chunk, segment, url, r.text); err != nil {
		return err
	}
	content, err := batch.ReadAll(ctx, artifacts, at.URL, at.SHA256)
	if err != nil {
		return err
	}
	part, err := batch.ParsePart(content)
	if err != nil {
		return err
	}
	if err := part.Check(segment.SHA256, segment.Rows); err != nil {
		return err
	}
	return r.join(part, files)
}

// join puts the rows of the segment's text and their answers together, which are in the same order.
func (r *Reader) join(part *batch.Part, files []batch.File) error {
	refusals := part.Refusals
	calls := part.Calls
	call, left := calls[0].Call(), calls[0].Rows
	var row batch.Row
	n := 0
	var damaged error
	err := r.decoder.Each(r.text, &row, func() {
		if row.File < 0 || row.File >= len(files) {
			damaged = fault.Failf(fault.ExitData, "a row names file %d, the run has %d", row.File, len(files))
			return
		}
		for left == 0 {
			calls = calls[1:]
			call, left = calls[0].Call(), calls[0].Rows
		}
		left--
		at := r.next + n
		version := r.Version
		if r.block.versions != nil {
			version = r.block.versions[at-r.block.first]
		}
		file := files[row.File]
		origin := ledger.Origin{Origin: file.URL, Digest: file.SHA256, Position: row.Line}
		if len(refusals) > 0 && refusals[0].Row == n {
			id := row.Transaction.ID
			r.Refused = append(r.Refused, ledger.DeadLetter{Outcome: ledger.OutcomeDeadLetter, ID: &id,
				SourceID: row.Transaction.SourceID, ContentHash: row.ContentHash, Origin: origin, Code: transaction.CodePrediction,
				Message: refusals[0].Message, Raw: asSent(&row.Transaction), Call: call, At: call.AnsweredAt, Version: version})
			refusals = refusals[1:]
		} else {
			category := transaction.Category(part.Categories[n]) // the part was checked
			r.rows = append(r.rows, ledger.Classified{Transaction: row.Transaction, ContentHash: row.ContentHash,
				Category: category, Call: call, Origin: origin, Version: version})
			r.At = append(r.At, at)
		}
		n++
	})
	if err == nil {
		err = damaged
	}
	return err
}

// asSent is the transaction as the ML API was sent it: the text of a dead letter that the API refused.
func asSent(t *transaction.Transaction) []byte {
	var merchant *string
	if t.HasMerchant {
		merchant = &t.Merchant
	}
	raw, err := json.Marshal(map[string]any{
		"id": t.ID.String(), "source_id": t.SourceID, "description": t.Description, "amount": json.Number(t.Amount.String()),
		"timestamp": string(transaction.AppendTimestamp(nil, t.Timestamp)), "merchant": merchant,
		"operation_type": t.OperationType, "side": t.Side.String(),
	})
	if err != nil {
		panic("a transaction is plain data: " + err.Error())
	}
	return raw
}

// KeepVersions gives the rows of a chunk's blocks the versions that compare found for them.
func KeepVersions(ctx context.Context, artifacts batch.Artifacts, layout batch.Layout, chunk *batch.Chunk,
	blocks []Block) error {
	url := layout.Versions(chunk.Index)
	var v batch.RowVersions
	err := batch.ReadJSON(ctx, artifacts, url, "", &v)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.WithHint(fault.Failf(fault.ExitData,
			"chunk %d is a reclassification and was not compared with what is stored: %w", chunk.Index, err),
			"run txflow compare first")
	case err != nil:
		return err
	case v.Chunk != chunk.SHA256 || int64(len(v.Versions)) != chunk.Rows:
		return fault.WithHint(fault.Failf(fault.ExitData, "%s is of another chunk", url), "run txflow compare again")
	}
	for i := range blocks {
		b := &blocks[i]
		b.versions = v.Versions[b.first : b.first+int(b.Rows())]
	}
	return nil
}
