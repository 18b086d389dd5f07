// Package answers reads the rows of a classified chunk together with the ML API's answers, as load and compare need them.
package answers

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"iter"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/transaction"
)

// Block is some segments of a chunk, with the parts that answer them: what is stored or looked up at once.
type Block struct {
	Chunk    *batch.Chunk
	offset   int64 // of the first segment in the chunk
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
func Blocks(ctx context.Context, artifacts batch.Artifacts, layout batch.Layout, chunk *batch.Chunk, limit int) (all []Block, err error) {
	parts, err := classified(ctx, artifacts, layout.Classified(chunk.Index), chunk)
	if err != nil {
		return nil, err
	}
	var offset int64
	for first := 0; first < len(chunk.Segments); {
		b := Block{Chunk: chunk, offset: offset}
		next, rows := first, 0
		for ; next < len(chunk.Segments) && (next == first || rows+chunk.Segments[next].Rows <= limit); next++ {
			rows += chunk.Segments[next].Rows
			offset += int64(chunk.Segments[next].Bytes)
		}
		b.segments, b.parts = chunk.Segments[first:next], parts[first:next]
		all = append(all, b)
		first = next
	}
	return all, nil
}

// classified reads the index of a chunk's parts, which classify wrote.
func classified(ctx context.Context, artifacts batch.Artifacts, url string, chunk *batch.Chunk) ([]batch.Artifact, error) {
	var index batch.ClassifiedChunk
	err := batch.ReadJSON(ctx, artifacts, url, "", &index)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, batch.WithHint(batch.Failf(batch.ExitData, "chunk %d is not classified: %w", chunk.Index, err), "run txflow classify first")
	case err != nil:
		return nil, err
	case index.Chunk != chunk.SHA256 || len(index.Parts) != len(chunk.Segments):
		return nil, batch.WithHint(batch.Failf(batch.ExitData, "%s is of another chunk", url), "run txflow classify again")
	}
	return index.Parts, nil
}

// Reader joins a block's rows with their answers, a segment at a time in memory that it uses again. The zero value is ready.
type Reader struct {
	Refused []batch.DeadLetter // of the whole block, once it is read
	text    []byte
	rows    []batch.Classified
	decoder batch.RowDecoder
}

// Read gives a block's answered rows, a segment at a time. It can be ranged over again.
func (r *Reader) Read(ctx context.Context, artifacts batch.Artifacts, b *Block, files []batch.File) iter.Seq2[[]batch.Classified, error] {
	return func(yield func([]batch.Classified, error) bool) {
		r.Refused = r.Refused[:0]
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
func (r *Reader) segment(ctx context.Context, artifacts batch.Artifacts, chunk io.Reader, segment batch.Segment, at batch.Artifact, url string, files []batch.File) (err error) {
	r.rows = r.rows[:0]
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

// join puts the rows of the segment's text and their answers together, which stand in the same order.
func (r *Reader) join(part *batch.Part, files []batch.File) error {
	refusals := part.Refusals
	calls := part.Calls
	call, left := calls[0].Call(), calls[0].Rows
	var row batch.Row
	n := 0
	return r.decoder.Each(r.text, &row, func() {
		for left == 0 {
			calls = calls[1:]
			call, left = calls[0].Call(), calls[0].Rows
		}
		left--
		file := files[row.File]
		origin := batch.Origin{Origin: file.URL, Digest: file.SHA256, Position: row.Line}
		if len(refusals) > 0 && refusals[0].Row == n {
			id := row.Transaction.ID
			r.Refused = append(r.Refused, batch.DeadLetter{Outcome: batch.OutcomeDeadLetter, ID: &id,
				SourceID: row.Transaction.SourceID, ContentHash: row.ContentHash, Origin: origin, Code: transaction.CodePrediction,
				Message: refusals[0].Message, Raw: asSent(&row.Transaction), Call: call, At: call.AnsweredAt})
			refusals = refusals[1:]
		} else {
			category := transaction.Category(part.Categories[n]) // the part was checked
			r.rows = append(r.rows, batch.Classified{Transaction: row.Transaction, ContentHash: row.ContentHash,
				Category: category, Call: call, Origin: origin})
		}
		n++
	})
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
