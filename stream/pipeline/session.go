package pipeline

import (
	"context"
	"errors"
	"time"
)

// ErrAborted says that a transaction was aborted, because partitions were revoked or the broker refused it: nothing of
// it is visible, and its messages come again, here or at another member.
var ErrAborted = errors.New("the messages are delivered again")

// Session is a member of a consumer group that writes in transactions. One goroutine calls Poll and KeepAlive; another
// may commit meanwhile, one batch after the other in the order of the polls.
//
// A session has an epoch, which each message carries. Revoked partitions and aborted transactions raise it, and the
// session goes back to the committed offsets: messages of an older epoch come again, and Commit refuses them with
// ErrAborted.
type Session interface {
	// Poll waits for messages: until there are as many as limit, or wait has passed since the first. None and no error
	// means that there are none yet.
	Poll(ctx context.Context, limit int, wait time.Duration) (Polled, error)
	// KeepAlive is called while what was polled waits to be handled, so that the broker does not revoke the partitions.
	KeepAlive(ctx context.Context) error
	// Commit writes the records and the offsets of the messages, all or nothing. A nil error means that both survive
	// anything; ErrAborted that neither happened. After any other error the session is of no more use. The records are not
	// used after it returns.
	Commit(ctx context.Context, records []Record, done []Message) error
}

// Polled is what a poll found.
type Polled struct {
	Revoked  []Partition  // since the last poll; before Assigned: a partition may come back
	Assigned []Assignment // those of which messages may come from now on
	Messages []Message
}
