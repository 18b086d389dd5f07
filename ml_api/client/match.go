package client

import (
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
)

// match writes each transaction's category into items: one answer for each transaction, no strangers, in any order.
func match(transactions []transaction.Transaction, items []prediction.Item, answers []answer) error {
	if len(answers) != len(transactions) {
		return badAnswerf("it has %s for %s", display.Count(len(answers), "item"),
			display.Count(len(transactions), "transaction"))
	}
	for i := range answers {
		if answers[i].id != transactions[i].ID {
			return matchByID(transactions, items, answers)
		}
		items[i].Category = answers[i].category
	}
	return nil
}

// matchByID matches answers in another order. A batch may hold an id twice; then it needs two answers, and
// they must agree, for nothing else says which is whose.
func matchByID(transactions []transaction.Transaction, items []prediction.Item, answers []answer) error {
	type entry struct {
		category transaction.Category
		count    int
	}
	byID := make(map[transaction.ID]entry, len(answers))
	for i, a := range answers {
		e, seen := byID[a.id]
		if seen && e.category != a.category {
			return badAnswerf("its item %d contradicts an earlier one of the same id", i)
		}
		byID[a.id] = entry{category: a.category, count: e.count + 1}
	}
	for i := range transactions {
		e := byID[transactions[i].ID]
		if e.count == 0 {
			return badAnswerf("it has no item for the transaction at %d, and one too many for another", i)
		}
		items[i].Category = e.category
		e.count--
		byID[transactions[i].ID] = e
	}
	return nil
}
