// Package prediction is what a call of the ML API answers, whoever made the call.
package prediction

import (
	"time"

	"github.com/txflow/txflow/internal/transaction"
)

// Call is one answered request to the ML API, as lineage wants it.
type Call struct {
	Model      string    // the model_version answered; "" if the service reports none
	Attempt    int       // 1 for the first try
	TraceID    string    // 32 hex digits of the client span's trace, "" without tracing
	SpanID     string    // 16 hex digits
	Sampled    bool      // whether the trace is kept
	AnsweredAt time.Time // UTC, whole microseconds: the version of the rows it classified
}

// Refusal is the API's reason for refusing one transaction, in its own words.
type Refusal struct {
	Status  int    // HTTP status
	Message string // at most 2 KiB; personal data may be in it, so it belongs into the dead letter alone
	At      uint64 // its number among the rows asked, for Refusals.Fate
}

// Item is the answer for one transaction: a category, or a refusal.
type Item struct {
	Category transaction.Category
	Refusal  *Refusal // nil if Category is set
	Call     int      // index into Result.Calls
}

// LastRefusal is the number of the last row that was refused, for Refusals.Fate; 0 for none.
func (r *Result) LastRefusal() (last uint64) {
	for i := range r.Items {
		if refusal := r.Items[i].Refusal; refusal != nil {
			last = max(last, refusal.At)
		}
	}
	return last
}

// Result answers a batch: Items are in the order of the batch, and every item has its answer.
type Result struct {
	Items []Item
	Calls []Call // more than one when a refused batch was cut to find the bad item
}
