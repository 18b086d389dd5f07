package event

import "time"

// Rollup is what some events add up to: those of an account, a type, a context and an hour; those of an account; or
// those of a type. Fields that a kind does not go by are zero.
type Rollup struct {
	Kind                  RollupKind
	Account               string
	Type, Context         string
	Hour                  time.Time // UTC, of the events themselves
	Events                uint64
	Users                 uint64 // different ones
	AverageScore          string // decimal, four digits
	Excellent, Good       uint64 // scores of 0.9 and more, of 0.7 and more
	Fair, Poor            uint64 // scores of 0.5 and more, and less
	Late, Future          uint64
	FirstEvent, LastEvent time.Time // UTC, the events' own times
}

// RollupKind says what a roll-up goes by.
type RollupKind string

// Kinds of roll-ups.
const (
	RollupHour    RollupKind = "hour" // account, type, context and hour
	RollupAccount RollupKind = "account"
	RollupType    RollupKind = "type" // type and context
)
