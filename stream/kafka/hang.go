package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// limits bound the steps of a producer's transaction.
type limits struct {
	try  time.Duration // a call should end by then; one that has not ended after twice as long hangs
	step time.Duration // a step that fails for so long needs another producer
}

var defaultLimits = limits{try: tryTime, step: time.Minute}

// hang is a step that does not come to an end, however often it is tried. After some broker failures librdkafka's
// producer stays in such a state for good, while a new one of the same name works, and ends what the old one left open.
type hang struct {
	what  string
	cause error         // of the last try; nil when the call itself did not end
	ended chan struct{} // closed once no call uses the producer
}

func (h *hang) Error() string {
	if h.cause == nil {
		return fmt.Sprintf("the step %q of the transaction does not end", h.what)
	}
	return fmt.Sprintf("the step %q of the transaction does not succeed: %s", h.what, h.cause)
}

func hangs(err error) bool {
	var h *hang
	return errors.As(err, &h)
}

// attempt is retry for a step of the producer: it gives the producer up, with a hang, when the step does not end.
func (s *Session) attempt(ctx context.Context, what string, step func(context.Context) error) error {
	for start := time.Now(); ; {
		tryCtx, cancel := context.WithTimeout(ctx, s.limits.try)
		err := s.once(tryCtx, what, step)
		cancel()
		if err == nil || !transient(err) || ctx.Err() != nil {
			return err
		}
		s.report.trouble(ctx, err, "step", what)
		if time.Since(start) >= s.limits.step {
			ended := make(chan struct{})
			close(ended)
			return &hang{what, err, ended}
		}
	}
}

// once makes one call, which should end with its context.
func (s *Session) once(ctx context.Context, what string, step func(context.Context) error) error {
	done, ended := make(chan error, 1), make(chan struct{})
	go func() {
		done <- step(ctx)
		close(ended)
	}()
	timer := time.NewTimer(2 * s.limits.try)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return &hang{what: what, ended: ended}
	}
}

// closeAfter closes a producer once no call uses it, which may be never.
func closeAfter(producer *kafka.Producer, cause error) {
	var h *hang
	if !errors.As(cause, &h) {
		producer.Close()
		return
	}
	go func() {
		<-h.ended
		producer.Close()
	}()
}
