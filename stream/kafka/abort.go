package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/stream/pipeline"
)

// tryTime is how long one try of a step of a transaction may take.
const tryTime = 10 * time.Second

// retry does a step again as long as the broker says that this may help.
func (s *Session) retry(ctx context.Context, what string, step func(context.Context) error) error {
	for {
		tryCtx, cancel := context.WithTimeout(ctx, tryTime)
		err := step(tryCtx)
		cancel()
		if err == nil || !transient(err) || ctx.Err() != nil {
			return err
		}
		s.report.trouble(ctx, err, "step", what)
	}
}

// abort ends the transaction and has the next poll wait a little and go back to the committed offsets. A producer that
// is of no more use is replaced by a new one, which aborts for sure what the old one left open; but one that was fenced
// by another process of this member's name ends the member.
func (s *Session) abort(ctx context.Context, cause error) error {
	if fencedOut(cause) {
		return s.fencedError(ctx, cause)
	}
	dead := fatal(cause)
	if !dead {
		err := s.attempt(ctx, "abort", s.producer.AbortTransaction)
		if dead = err != nil && code(err) != kafka.ErrState; dead { // ErrState: there is none to abort
			cause = errors.Join(cause, err)
		}
	}
	if dead {
		if err := s.replace(ctx, cause); err != nil {
			return err
		}
	}
	s.backoff.aborted(cause)
	s.epoch.raise()
	return fmt.Errorf("%w: %w", pipeline.ErrAborted, cause)
}

// replace opens a new producer, unless another process has this member's name. A producer is fenced, too, when the
// broker ended its transaction for taking too long.
func (s *Session) replace(ctx context.Context, cause error) error {
	var by *kafka.MemberDescription
	if err := s.retry(ctx, "look who has the name", func(ctx context.Context) (err error) {
		by, err = s.successor(ctx)
		return err
	}); err != nil {
		return errors.Join(s.cfg.unavailable(err), cause)
	}
	if by != nil {
		return s.fenced(by, cause)
	}
	closeAfter(s.producer, cause)
	s.producer = nil
	return s.openProducer(ctx)
}

// fatal reports whether the producer is of no more use after an error. librdkafka does not say so of all ways to be
// fenced.
func fatal(err error) bool {
	if hangs(err) {
		return true
	}
	switch code(err) {
	case kafka.ErrFenced, kafka.ErrProducerFenced, kafka.ErrInvalidProducerEpoch, kafka.ErrFatal:
		return true
	}
	var e kafka.Error
	return errors.As(err, &e) && e.IsFatal()
}

// rewind goes back to the committed offsets of the partitions that the member has.
func (s *Session) rewind(ctx context.Context) error {
	s.buffer, s.jumps = nil, 0
	assigned, err := s.consumer.Assignment()
	if err != nil || len(assigned) == 0 {
		return err
	}
	committed, err := s.restore(ctx, assigned)
	if err != nil {
		return err
	}
	for i := range committed {
		if committed[i].Offset < 0 {
			committed[i].Offset = kafka.OffsetBeginning
		}
	}
	_, err = s.seek(ctx, committed)
	return err
}

// seek sets partitions to offsets. What it returns of each may hold an ErrState, see failed.
func (s *Session) seek(ctx context.Context, to []kafka.TopicPartition) (sought []kafka.TopicPartition, err error) {
	err = s.retry(ctx, "go back", func(context.Context) error {
		sought, err = s.consumer.SeekPartitions(to)
		return errors.Join(err, failed(sought))
	})
	return sought, err
}

// failed is the first error of a partition. ErrState does not count: a partition that is not read yet begins at its
// committed offset by itself.
func failed(partitions []kafka.TopicPartition) error {
	for _, p := range partitions {
		if p.Error != nil && code(p.Error) != kafka.ErrState {
			return fmt.Errorf("partition %d: %w", p.Partition, p.Error)
		}
	}
	return nil
}

// transient reports whether the same step may succeed later. librdkafka says so of a producer's errors, but not of a
// consumer's.
func transient(err error) bool {
	var e kafka.Error
	if !errors.As(err, &e) || e.IsFatal() || e.TxnRequiresAbort() {
		return false
	}
	switch e.Code() {
	case kafka.ErrTimedOut, kafka.ErrTransport, kafka.ErrAllBrokersDown, kafka.ErrWaitCoord, kafka.ErrNotCoordinator,
		kafka.ErrCoordinatorLoadInProgress, kafka.ErrCoordinatorNotAvailable, kafka.ErrUnstableOffsetCommit,
		kafka.ErrRequestTimedOut:
		return true
	}
	return e.IsRetriable()
}

func code(err error) kafka.ErrorCode {
	var e kafka.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return kafka.ErrNoError
}
