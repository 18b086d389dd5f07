package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/retry"
)

// ErrLost is of a member that the broker has fenced although no other process has its name: an answer to its joining
// was lost, when the broker restarted for example, and the broker went on with an id that the member does not know.
// Opened again it goes on with what is committed.
var ErrLost = errors.New("the broker lost track of this member while it joined its group")

// fencedOut says that the broker has ended this member for another of its name.
func fencedOut(err error) bool { return code(err) == kafka.ErrFencedInstanceID }

// fenced is the error of a member whose name another process has taken over: Kafka's way with static members. Going on
// would take the name back, and the two would end each other's transactions for ever.
func (s *Session) fenced(by *kafka.MemberDescription, cause error) error {
	who := "another process (Kafka does not tell where; its log has from whom it took over)"
	if by.ClientID != s.client {
		who = fmt.Sprintf("%s at %s", by.ClientID, host(by.Host))
	}
	return fault.WithHint(fault.Failf(fault.ExitUsage,
		"another member of the group %s is called %s, too: %s has taken over, and this one ends: %w",
		s.cfg.Group, s.cfg.Instance, who, cause),
		"give each member an --instance (TXFLOW_STREAM_INSTANCE) of its own")
}

// askTime is how long a question for the group may take; what happened during a longer one is not known.
const askTime = 5 * time.Second

// fencedError is the error of a member that the broker has fenced: of exit code 64 when another process has its name,
// which it names if the broker does, else ErrLost with exit code 75. It waits for a broker that does not answer: which
// of the two it is decides whether the member comes back.
func (s *Session) fencedError(ctx context.Context, cause error) error {
	held := tenure{longest: s.cfg.Timeout + askTime}
	for {
		asking, cancel := context.WithTimeout(ctx, askTime)
		by, state, err := s.named(asking)
		cancel()
		proven := held.proves(err == nil && by != nil && state == kafka.ConsumerGroupStateStable, time.Now())
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !transient(err) && !errors.Is(err, context.DeadlineExceeded):
			return errors.Join(s.cfg.unavailable(err), cause)
		case err != nil:
			s.report.trouble(ctx, err, "step", "look who has the name")
		case by == nil:
			return fault.Fail(fault.ExitTryAgain, fmt.Errorf("%w: %w", ErrLost, cause))
		case proven, by.ClientID != s.client:
			return s.fenced(by, cause)
		}
		_ = retry.Wait(ctx, 500*time.Millisecond) // its end is seen above
	}
}

// tenure is how long a member has had its place in the group, as far as that proves that its process lives: in a stable
// group it loses its place without heartbeats for a session. While members join, the broker waits for none, and after a
// restart of the broker every session begins again.
type tenure struct {
	longest time.Duration // without heartbeats
	since   time.Time     // zero: not seen, or not in a stable group, when last asked
}

// proves takes what was seen at a time: whether it has its place in a stable group.
func (t *tenure) proves(seen bool, now time.Time) bool {
	switch {
	case !seen:
		t.since = time.Time{}
		return false
	case t.since.IsZero():
		t.since = now
	}
	return now.Sub(t.since) >= t.longest
}
