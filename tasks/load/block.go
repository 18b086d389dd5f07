package load

import (
	"context"
	"encoding/json"
	"io"
	"iter"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/transaction"
)

// block is what one insert stores: some segments of a chunk, with the parts that answer them.
type block struct {
	chunk    *batch.Chunk
	offset   int64 // of the first segment in the chunk
	segments []batch.Segment
	parts    []batch.Artifact
}

func (b *block) rows() (n int64) {
	for _, s := range b.segments {
		n += int64(s.Rows)
	}
	return n
}

// blocks cuts a chunk into blocks of at most so many rows, but of one segment at least.
func blocks(chunk *batch.Chunk, parts []batch.Artifact, limit int) (all []block) {
	var offset int64
	for first := 0; first < len(chunk.Segments); {
		b := block{chunk: chunk, offset: offset}
		next, rows := first, 0
		for ; next < len(chunk.Segments) && (next == first || rows+chunk.Segments[next].Rows <= limit); next++ {
			rows += chunk.Segments[next].Rows
			offset += int64(chunk.Segments[next].Bytes)
		}
		b.segments, b.parts = chunk.Segments[first:next], parts[first:next]
		all = append(all, b)
		first = next
	}
	return all
}

// reader joins a block's rows with their answers, a segment at a time in memory that it uses again.
type reader struct {
	text    []byte
	rows    []batch.Classified
	refused []batch.DeadLetter // of the whole block, once it is read
	decoder batch.RowDecoder
}

// read gives a block's rows, a segment at a time. It can be ranged over again.
func (r *reader) read(ctx context.Context, artifacts batch.Artifacts, b *block, files []batch.File) iter.Seq2[[]batch.Classified, error] {
	return func(yield func([]batch.Classified, error) bool) {
		r.refused = r.refused[:0]
		chunk, err := artifacts.OpenAt(ctx, b.chunk.URL, b.offset)
		if err != nil {
			yield(nil, err)
			return
		}
		defer func() { _ = chunk.Close() }() // it was only read
		for i, segment := range b.segments {
			err := r.segment(ctx, artifacts, chunk, segment, b.parts[i], b.chunk.URL, files)
			if !yield(r.rows, err) || err != nil {
				return
			}
		}
	}
}

// segment reads a segment's rows and answers.
func (r *reader) segment(ctx context.Context, artifacts batch.Artifacts, chunk io.Reader, segment batch.Segment, at batch.Artifact, url string, files []batch.File) (err error) {
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
func (r *reader) join(part *batch.Part, files []batch.File) error {
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
			r.refused = append(r.refused, batch.DeadLetter{Outcome: batch.OutcomeDeadLetter, ID: &id,
				SourceID: row.Transaction.SourceID, ContentHash: row.ContentHash, Origin: origin, Code: transaction.CodePrediction,
				Message: refusals[0].Message, Raw: asSent(&row.Transaction), Call: call, At: call.AnsweredAt})
			refusals = refusals[1:]
		} else {
			category, _ := transaction.ParseCategory(part.Categories[n]) // the part was checked
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
