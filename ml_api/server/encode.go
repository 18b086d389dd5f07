package server

import (
	"encoding/json"
	"fmt"

	"github.com/txflow/txflow/internal/transaction"
)

// encoder writes answers. Everything after an id is one of a few texts, which encoding/json makes once: an answer is
// copying them.
type encoder struct {
	tails []string // by the index of the category
}

const answerHead = `{"transaction_id":"`

// newEncoder makes the texts for a model; rotate moves the categories on.
func newEncoder(categories *transaction.Categories, model string, rotate int) (*encoder, error) {
	version, err := json.Marshal(model)
	if err != nil {
		return nil, fmt.Errorf("encode the model version: %w", err)
	}
	e := &encoder{tails: make([]string, categories.Len())}
	for i := range e.tails {
		category := categories.At((i + rotate) % categories.Len())
		e.tails[i] = fmt.Sprintf(`","category":%q,"model_version":%s}`, category.String(), version)
	}
	return e, nil
}

// append appends the answer for one transaction, after a comma unless it is the first.
func (e *encoder) append(b []byte, id *transaction.ID, first bool) []byte {
	if !first {
		b = append(b, ',')
	}
	b = append(b, answerHead...)
	b = id.Append(b)
	return append(b, e.tails[categoryIndex(id, len(e.tails))]...)
}
