package pipeline

import (
	"slices"
	"strconv"

	"github.com/txflow/txflow/internal/ledger"
)

// ReplayHeaders are the headers of a message that is sent again from its dead letter: its own in their order, but for
// those that txflow sets itself. They say how often it was replayed, how new its contents are, and what trace it goes
// on with.
func ReplayHeaders(l *ledger.DeadLetterState) []Header {
	headers := slices.DeleteFunc(slices.Clone(l.Headers), func(h Header) bool {
		return h.Name == HeaderReplays || h.Name == HeaderVersion || h.Name == HeaderTime
	})
	add := func(name, value string) { headers = append(headers, Header{Name: name, Value: []byte(value)}) }
	add(HeaderReplays, strconv.Itoa(l.Replays+1))
	if l.Version > 0 {
		add(HeaderVersion, strconv.FormatInt(l.Version, 10))
	}
	if l.Parent != "" && !HasHeader(headers, HeaderTrace) {
		add(HeaderTrace, l.Parent)
	}
	return headers
}

// HasHeader says whether one of the headers has a name.
func HasHeader(headers []Header, name string) bool {
	return slices.ContainsFunc(headers, func(h Header) bool { return h.Name == name })
}
