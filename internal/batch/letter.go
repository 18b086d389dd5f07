package batch

import "time"

// Letter is a dead letter as it stands now.
type Letter struct {
	Origin    Origin
	Pipeline  string
	Source    string
	SourceID  string
	ID        string // UUID; zero when none could be read
	Outcome   string
	Column    string
	Code      string
	Message   string
	State     string // open, replayed, resolved or purged
	Replays   int
	Raw       []byte
	TraceID   string
	FirstSeen time.Time
	UpdatedAt time.Time
}

// States of a dead letter.
const (
	LetterOpen     = "open"
	LetterReplayed = "replayed"
	LetterResolved = "resolved" // its id was stored later
	LetterPurged   = "purged"
)

// LetterQuery selects dead letters; a zero field selects all.
type LetterQuery struct {
	Pipeline string
	Origin   string // URL of the file, or topic
	State    string
	Code     string
	Source   string
	ID       string    // the source's id, or the UUID
	Since    time.Time // first seen then or later
	Until    time.Time // first seen before
	Replays  int       // replayed fewer times than this
	At       *Origin   // at this origin, partition and position
	After    *Origin   // behind this one, in the order of Letters
	Limit    int
}

// LetterCount counts dead letters that have the same reason and state.
type LetterCount struct {
	Pipeline, Source, Code, Column, State string
	Rows                                  uint64
	Oldest                                time.Time
}
