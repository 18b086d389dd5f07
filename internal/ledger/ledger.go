// Package ledger says what becomes of a row or message: its origin, its outcome, the state of a dead letter, and what
// reconciliation finds. Both pipelines and the store share these types.
package ledger

import (
	"time"

	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
)

// Origin is where a row came from: Origin is a file's URL or a topic, Partition is 0 for files, Position a row's first
// line (counted from 1) or an offset. Digest is the SHA-256 (hex) of the file's bytes as they lay there, "" for topics.
type Origin struct {
	Origin    string
	Digest    string
	Partition int32
	Position  uint64
}

// RunInfo is what all rows of one insert share.
type RunInfo struct {
	Pipeline      string // "batch" or "stream"
	RunID         string
	TaskTry       int
	Source        string
	Chunk         string // SHA-256 of the chunk, "" where there is none
	OriginTraceID string // the trace that the row came in by: for batch the run's
}

// Classified is one row for the table transactions and its ledger entry.
type Classified struct {
	Transaction transaction.Transaction
	ContentHash uint64
	Category    transaction.Category
	Call        *prediction.Call // shared by the rows of one call
	Origin      Origin
	Version     int64 // microseconds since 1970: how new the contents are; 0: as new as the answer of the call
}

// Stored is the current state of an id in transactions, as far as it is compared.
type Stored struct {
	Category     string
	Model        string
	ContentHash  uint64
	Version      int64 // microseconds since 1970: how new the contents are
	ClassifiedAt time.Time
}

// Outcome of a source row in the ledger.
type Outcome string

// Every source row ends in exactly one of these.
const (
	OutcomeStored     Outcome = "stored"
	OutcomeRejected   Outcome = "rejected"
	OutcomeDuplicate  Outcome = "duplicate"
	OutcomeDeadLetter Outcome = "dead_letter"
	OutcomeErased     Outcome = "erased" // the person of an event is forgotten
)

// DeadLetter is a row that could not be stored, with the reason: a reject (Outcome rejected) or a refusal by the ML API
// (Outcome dead_letter).
type DeadLetter struct {
	Outcome     Outcome
	ID          *transaction.ID // nil when the row has no readable id
	SourceID    string
	ContentHash uint64
	Origin      Origin
	Column      string // "" for the whole row
	Code        transaction.Code
	Message     string
	Raw         []byte           // the row as it came
	Key         []byte           // of a message; nil for none
	Headers     []Header         // of a message, in their order
	Call        *prediction.Call // nil for a reject
	At          time.Time        // when it was judged
	Version     int64            // microseconds since 1970: how new the contents are; 0: as new as At
}

// Header is a header of a Kafka message; several may have one name. A nil value is one that is null.
type Header struct {
	Name  string
	Value []byte
}

// Duplicate is a row that says again what an earlier row of the run said.
type Duplicate struct {
	ID            transaction.ID
	ContentHash   uint64
	Origin        Origin
	FirstOrigin   string
	FirstPosition uint64
}

// Entry is an entry of the ledger as reconcile reads it back.
type Entry struct {
	Position    uint64
	ID          transaction.ID // the zero ID when the row had none
	ContentHash uint64
	Outcome     Outcome
}
