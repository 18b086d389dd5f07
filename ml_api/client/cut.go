package client

import (
	"context"

	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
)

// solve finds the answers of a batch. A refused batch is cut where the refusal points, else in halves, until what is
// refused is alone: only then is it believed of a transaction that the service refuses it.
func (c *Client) solve(ctx context.Context, transactions []transaction.Transaction, items []prediction.Item,
	calls *[]prediction.Call) error {
	body := encode(transactions)
	defer body.release()
	if len(body.bytes) > c.cfg.MaxBodyBytes && len(transactions) > 1 {
		return c.solveParts(ctx, transactions, items, calls, nil)
	}
	r, err := c.ask(ctx, transactions, items, body)
	switch {
	case err != nil:
		return err
	case r.refusal != nil && len(transactions) == 1 && !r.problem:
		return c.foreignLimit(len(body.bytes))
	case r.refusal != nil && len(transactions) > 1:
		return c.solveParts(ctx, transactions, items, calls, r.blamed)
	case r.refusal != nil:
		at, tripped := c.cfg.Refusals.Refused()
		if tripped {
			return c.refusesTooMany(r.refusal)
		}
		r.refusal.At = at
		items[0] = prediction.Item{Refusal: r.refusal}
		c.counts.deadRows.Add(1)
	default:
		c.cfg.Refusals.Classified(len(items))
		c.counts.rows.Add(int64(len(items)))
	}
	for i := range items {
		items[i].Call = len(*calls)
	}
	*calls = append(*calls, r.call)
	return nil
}

// solveParts asks for each blamed transaction alone and for the runs between them; without any, for two halves.
func (c *Client) solveParts(ctx context.Context, transactions []transaction.Transaction, items []prediction.Item,
	calls *[]prediction.Call, blamed []int) error {
	for _, p := range cut(len(transactions), blamed) {
		if err := c.solve(ctx, transactions[p.from:p.to], items[p.from:p.to], calls); err != nil {
			return err
		}
	}
	return nil
}

type part struct{ from, to int }

// cut divides n > 1 items into parts, each smaller than the whole. blamed is ascending, without doubles.
func cut(n int, blamed []int) []part {
	if len(blamed) == 0 {
		return []part{{0, n / 2}, {n / 2, n}}
	}
	parts := make([]part, 0, 2*len(blamed)+1)
	at := 0
	for _, i := range blamed {
		if at < i {
			parts = append(parts, part{at, i})
		}
		parts = append(parts, part{i, i + 1})
		at = i + 1
	}
	if at < n {
		parts = append(parts, part{at, n})
	}
	return parts
}
