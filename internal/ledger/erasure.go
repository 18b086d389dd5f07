package ledger

import "time"

// Erasure is that of the events of a person, as the table tombstones has it.
type Erasure struct {
	Hash      string // of the person, in hexadecimal
	Scope     string
	KeyID     string // of the key of the hash
	Before    int64  // events that were published before are erased: microseconds since 1970; 0 while that is open
	ID        string // UUID
	Done      bool
	Requested time.Time
}

// RawMessage is a message of events.raw as ClickHouse keeps it.
type RawMessage struct {
	Origin     string
	Partition  int32
	Position   uint64
	RecordedMS int64  // the record's timestamp, in milliseconds since 1970
	Version    string // the header that a replay has; "" without one
	ID         string // UUID, by the key; zero when it is none
	Value      []byte // read it before the next message
}

// ErasedMessage is a message that is erased from a table.
type ErasedMessage struct {
	Origin  Origin
	From    string // table
	EventID string // UUID
}
