package load

import (
	"context"
	"encoding/json"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/transaction"
)

// block gathers the rows of some segments for one insert.
type block struct {
	rows    []batch.Classified
	refused []batch.DeadLetter
	decoder batch.RowDecoder
}

// Blocks bounds the memory of loads that run at once: a block is taken to be filled and given back when it is stored.
type Blocks struct{ free chan *block }

// NewBlocks makes n blocks; they keep the memory that they once took.
func NewBlocks(n int) *Blocks {
	b := &Blocks{free: make(chan *block, n)}
	for range n {
		b.free <- &block{}
	}
	return b
}

func (b *Blocks) take(ctx context.Context, rows int) (*block, error) {
	select {
	case taken := <-b.free:
		if taken.rows == nil {
			taken.rows = make([]batch.Classified, 0, rows)
		}
		return taken, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (b *Blocks) giveBack(done *block) {
	done.rows, done.refused = done.rows[:0], done.refused[:0]
	b.free <- done
}

// add joins the rows of a segment with their answers, which stand in the same order.
func (b *block) add(text []byte, part *batch.Part, files []batch.File) error {
	refusals := part.Refusals
	calls := part.Calls
	call, left := calls[0].Call(), calls[0].Rows
	var row batch.Row
	n := 0
	return b.decoder.Each(text, &row, func() {
		for left == 0 {
			calls = calls[1:]
			call, left = calls[0].Call(), calls[0].Rows
		}
		left--
		file := files[row.File]
		origin := batch.Origin{Origin: file.URL, Digest: file.SHA256, Position: row.Line}
		if len(refusals) > 0 && refusals[0].Row == n {
			id := row.Transaction.ID
			b.refused = append(b.refused, batch.DeadLetter{Outcome: batch.OutcomeDeadLetter, ID: &id,
				SourceID: row.Transaction.SourceID, ContentHash: row.ContentHash, Origin: origin, Code: transaction.CodePrediction,
				Message: refusals[0].Message, Raw: asSent(&row.Transaction), Call: call, At: call.AnsweredAt})
			refusals = refusals[1:]
		} else {
			category, _ := transaction.ParseCategory(part.Categories[n]) // the part was checked
			b.rows = append(b.rows, batch.Classified{Transaction: row.Transaction, ContentHash: row.ContentHash,
				Category: category, Call: call, Origin: origin})
		}
		n++
	})
}

func (b *block) len() int { return len(b.rows) + len(b.refused) }

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
