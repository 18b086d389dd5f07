package client

import (
	"context"
	"errors"
	"net/http"

	"github.com/txflow/txflow/internal/authority"
)

// verdict is what follows from one HTTP call.
type verdict uint8

const (
	answered      verdict = iota // done
	transient                    // a fault of the service or of the way to it: wait, ask again
	throttled                    // the service is well and asks for patience: wait, ask again
	refused                      // the service blames the content
	misconfigured                // asking again can not help: not this service, not allowed
	wrongModel                   // another model answers than the one expected
	cancelled                    // the caller gave up
)

// String names the verdict in spans and logs.
func (v verdict) String() string {
	return [...]string{"answered", "fault", "throttled", "refused", "misconfigured", "wrong_model", "cancelled"}[v]
}

// outcome is what one HTTP call came to: a status, or an error on the way (status 0) or with the answer.
type outcome struct {
	status  int
	problem bool  // the body is the contract's: {"detail": …}
	err     error // nil for a checked answer and for a status other than 200
}

// errWrongModel says that the answer is from another model than expected.
var errWrongModel = errors.New("another model answers")

// judge is the one place that decides what may be asked again. It takes the caller's context, whose end is not a fault
// of the service.
func judge(ctx context.Context, o *outcome) verdict {
	switch {
	case ctx.Err() != nil:
		return cancelled
	case errors.Is(o.err, errWrongModel):
		return wrongModel
	case o.err != nil && (authority.Refused(o.err) || isUnknownCategory(o.err)):
		return misconfigured
	case o.err != nil:
		return transient // refused or cut connections, time-outs, names that do not resolve, answers that can not be used
	}
	switch o.status {
	case http.StatusOK:
		return answered
	case http.StatusTooManyRequests:
		return throttled
	case http.StatusRequestEntityTooLarge:
		return refused // also a proxy's: a smaller batch may pass it
	case http.StatusUnprocessableEntity:
		if o.problem {
			return refused
		}
		return misconfigured
	case http.StatusRequestTimeout, http.StatusTooEarly:
		return transient
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported, http.StatusNetworkAuthenticationRequired:
		return misconfigured
	}
	if o.status >= 300 && o.status < 500 {
		return misconfigured
	}
	return transient
}
