package retry

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// After reads the seconds of a Retry-After header or its HTTP date, at most longest; 0 if it is absent, past or
// unreadable.
func After(value string, now time.Time, longest time.Duration) time.Duration {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(longest/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(0, at.Sub(now)), longest)
	}
	return 0
}
