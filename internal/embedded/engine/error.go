package engine

import (
	"regexp"
	"strconv"
)

// Error is an exception of ClickHouse.
type Error struct {
	Code    int // ClickHouse's own: 60 for an unknown table
	Message string
}

func (e *Error) Error() string { return e.Message }

var codeOf = regexp.MustCompile(`^Code: (\d+)\.`)

// codeUnknown is ClickHouse's code for exceptions without one (STD_EXCEPTION).
const codeUnknown = 1001

func newError(message string) error {
	e := &Error{Code: codeUnknown, Message: message}
	if m := codeOf.FindStringSubmatch(message); m != nil {
		e.Code, _ = strconv.Atoi(m[1]) // the pattern is digits
	}
	return e
}
