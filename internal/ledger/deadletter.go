package ledger

import "time"

// DeadLetterState is the current state of a dead letter.
type DeadLetterState struct {
	Origin   Origin
	Pipeline string
	Source   string
	SourceID string
	ID       string // UUID; zero when none could be read
	Outcome  string
	Column   string
	Code     string
	Message  string
	State    string // open, replayed, resolved or purged
	Replays  int
	Raw      []byte // the message as it came; nil where the query did not ask for it
	RawBytes int    // its size; 0 where the query did not ask for it
	// Key and Headers of the message are there where Raw is. A nil key is none.
	Key       []byte   `json:"-"`
	Headers   []Header `json:"-"` // in their order
	Bytes     int      `json:"-"` // the size of Raw, Key and Headers together, where RawBytes is there
	TraceID   string
	Version   int64  // microseconds since 1970: how new the contents are
	Parent    string // the message's own traceparent, "" without one
	FirstSeen time.Time
	UpdatedAt time.Time
}

// States of a dead letter.
const (
	StateOpen     = "open"
	StateReplayed = "replayed"
	StateResolved = "resolved" // its id was stored later
	StatePurged   = "purged"
)

// DeadLetterStates are all states.
var DeadLetterStates = []string{StateOpen, StateReplayed, StateResolved, StatePurged}

// DeadLetterQuery selects dead letters; a zero field selects all.
type DeadLetterQuery struct {
	Pipeline string
	Origin   string // URL of the file, or topic
	State    string
	Code     string
	Source   string
	ID       string    // the source's id, or the UUID
	Since    time.Time // first seen then or later
	Until    time.Time // first seen before
	Replays  *int      // replayed fewer times than this
	At       *Origin   // at this origin, partition and position
	After    *Origin   // that follow this one, in the order of Dead letters
	Limit    int

	Sizes bool // also read how large each message is
	Raw   bool // also read the messages; a page of large ones is hundreds of megabytes
}

// Filtered reports whether anything but the state restricts what is selected.
func (q *DeadLetterQuery) Filtered() bool {
	return q.Pipeline != "" || q.Origin != "" || q.Code != "" || q.Source != "" || q.ID != "" || !q.Since.IsZero() ||
		!q.Until.IsZero() ||
		q.Replays != nil || q.At != nil
}

// DeadLetterCount counts dead letters that have the same reason and state.
type DeadLetterCount struct {
	Pipeline, Source, Code, Column, State string
	Rows                                  uint64
	Oldest                                time.Time
}
