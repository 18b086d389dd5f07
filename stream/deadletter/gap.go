package deadletter

import (
	"encoding/json"
	"fmt"
)

// gap is what the dead letter of deleted offsets holds in place of a message.
type gap struct {
	First *int64 `json:"first_offset"`
	Next  *int64 `json:"next_offset"`
}

// AppendGap appends what a dead letter of deleted offsets holds: the first of them, and the first one that follows.
func AppendGap(b []byte, first, next int64) []byte { return append(b, encode(gap{&first, &next})...) }

// ParseGap reads it.
func ParseGap(raw []byte) (first, next int64, err error) {
	var g gap
	if err := json.Unmarshal(raw, &g); err != nil {
		return 0, 0, fmt.Errorf("read a gap: %w", err)
	}
	if g.First == nil || g.Next == nil || *g.First < 0 || *g.Next <= *g.First {
		return 0, 0, fmt.Errorf("%.100q is no gap", raw)
	}
	return *g.First, *g.Next, nil
}
