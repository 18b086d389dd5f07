package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/internal/failpoint"
	"github.com/txflow/txflow/stream/pipeline"
)

// pollStep is how long one wait for a message is: the end of the context is noticed between two.
const pollStep = 100 * time.Millisecond

// pollBytes bounds what a transaction holds in memory, however large the messages are.
const pollBytes = 8 << 20

// Poll implements pipeline.Session.
func (s *Session) Poll(ctx context.Context, limit int, wait time.Duration) (pipeline.Polled, error) {
	var none pipeline.Polled
	if _, left, _ := s.backoff.state(); left > 0 {
		return none, s.hold(ctx, min(left, pollStep))
	}
	if ready, err := s.ready(ctx); topicMissing(err) {
		s.awaitTopic(ctx, err)
		return none, nil
	} else if err != nil || !ready {
		return none, err
	}
	if err := s.fill(ctx, limit, wait); err != nil {
		return none, err
	}
	if err := s.confirm(ctx); err != nil {
		return none, err
	}
	if len(s.buffer) > 0 {
		if err := s.startWriting(ctx); err != nil {
			return none, err
		}
	}
	epoch, ok := s.epoch.current()
	if !ok { // partitions were revoked, or a transaction was aborted meanwhile
		return none, nil
	}
	polled := pipeline.Polled{Revoked: s.revoked, Assigned: s.positions.announce(), Messages: s.buffer}
	s.revoked, s.buffer = nil, make([]pipeline.Message, 0, len(s.buffer)) // the next poll mostly gives as many
	for i := range polled.Messages {
		polled.Messages[i].Epoch = epoch
	}
	if n := len(polled.Messages); n > 0 {
		s.step(ctx, failpoint.Polled, n)
	}
	return polled, nil
}

// fill reads messages into the buffer: until there are as many as limit, or wait has passed since the first.
func (s *Session) fill(ctx context.Context, limit int, wait time.Duration) error {
	var end time.Time // when the first message has waited long enough
	size, step := 0, time.Duration(0)
	for len(s.buffer) < limit && size < pollBytes && ctx.Err() == nil {
		read, err := s.next(ctx, step)
		if err != nil {
			return err
		}
		if read {
			size += len(s.buffer[len(s.buffer)-1].Value)
			step = 0 // many are mostly there at once, and time is not asked for each of them
			continue
		}
		switch _, current := s.epoch.current(); {
		case !current:
			return nil // they come again
		case len(s.buffer) > 0 && end.IsZero():
			end = time.Now().Add(wait)
		case len(s.buffer) == 0 && step == pollStep:
			return nil
		}
		if step = pollStep; len(s.buffer) > 0 {
			if step = min(step, time.Until(end)); step <= 0 {
				return nil
			}
		}
	}
	return nil
}

// ready has the consumer at the offset from where it reads next; false while a commit must end before it can go back.
func (s *Session) ready(ctx context.Context) (bool, error) {
	rewind, wait := s.epoch.goBack()
	if wait {
		return false, s.hold(ctx, pollStep)
	}
	if rewind {
		if err := s.rewind(ctx); err != nil {
			return false, s.cfg.unavailable(err)
		}
	}
	if s.paused {
		if err := s.resume(); err != nil {
			return false, err
		}
	}
	if assigned, err := s.consumer.Assignment(); err != nil || len(assigned) == 0 {
		return true, err
	}
	return true, s.startWriting(ctx)
}

// startWriting opens the producer, once. The group comes first: with the name of this member there, nothing that a
// former process of it does later counts.
func (s *Session) startWriting(ctx context.Context) error {
	if s.writing {
		return nil
	}
	if err := s.openProducer(ctx); err != nil {
		return err
	}
	s.writing = true
	s.tookOver(ctx)
	return nil
}

// next waits for one message and appends it to the buffer; false when there is none yet. A wait of zero only takes what
// is there. A broker that does not answer is no error: librdkafka connects again.
func (s *Session) next(ctx context.Context, wait time.Duration) (read bool, err error) {
	switch e := s.consumer.Poll(int((wait + time.Millisecond - 1).Milliseconds())).(type) {
	case *kafka.Message:
		at, err := s.reads(ctx, e.TopicPartition.Partition, int64(e.TopicPartition.Offset))
		if at == nil {
			return false, err
		}
		s.positions.sawMessage(at, int64(e.TopicPartition.Offset))
		s.jump(at, int64(e.TopicPartition.Offset))
		s.buffer = append(s.buffer, at.message(e, s.cfg.Now))
		return true, nil
	case kafka.PartitionEOF:
		at, err := s.reads(ctx, e.Partition, int64(e.Offset))
		if at == nil {
			return false, err
		}
		s.positions.sawEnd(at, int64(e.Offset))
		s.jump(at, int64(e.Offset))
	case kafka.Error:
		switch {
		case fencedOut(e):
			return false, s.fencedError(ctx, e)
		case e.IsFatal() || e.Code() == kafka.ErrTopicAuthorizationFailed:
			return false, s.cfg.unavailable(fmt.Errorf("%s: %w", s.cfg.Topic, e))
		}
		var trouble error = e
		if e.Code() == kafka.ErrInconsistentGroupProtocol {
			trouble = fmt.Errorf("members of an older release are in the group; this one joins when they have ended: %w", e)
		}
		s.report.trouble(ctx, trouble, "topic", s.cfg.Topic)
	}
	return false, nil
}

// reads is the position of a partition of which an offset came. It is nil when that does not count: the member does not
// have the partition any more, the topic is missing, or the offset comes again.
func (s *Session) reads(ctx context.Context, partition int32, offset int64) (*position, error) {
	at, err := s.position(ctx, partition)
	if topicMissing(err) {
		s.awaitTopic(ctx, err)
		return nil, nil
	}
	if err != nil || at == nil {
		return nil, err
	}
	if skips, err := s.skips(ctx, at, offset); err != nil || skips {
		return nil, err
	}
	return at, nil
}

// topicMissing reports whether an error says that a topic does not exist (yet).
func topicMissing(err error) bool {
	return code(err) == kafka.ErrUnknownTopicOrPart || code(err) == kafka.ErrUnknownTopic
}

// awaitTopic has the next poll go back to the committed offsets: the topic is deleted, or the broker does not know it
// yet.
func (s *Session) awaitTopic(ctx context.Context, err error) {
	s.report.trouble(ctx, err, "topic", s.cfg.Topic)
	s.backoff.aborted(err)
	s.epoch.raise()
}

// KeepAlive implements pipeline.Session: it polls with the partitions paused.
func (s *Session) KeepAlive(ctx context.Context) error { return s.hold(ctx, time.Millisecond) }

// hold polls for so long with the partitions paused.
func (s *Session) hold(ctx context.Context, wait time.Duration) error {
	assigned, err := s.consumer.Assignment()
	if err != nil {
		return s.cfg.unavailable(err)
	}
	if err := s.consumer.Pause(assigned); err != nil {
		return s.cfg.unavailable(err)
	}
	s.paused = true
	_, err = s.next(ctx, wait) // it reads of a partition that was assigned just now
	return err
}

func (s *Session) resume() error {
	assigned, err := s.consumer.Assignment()
	if err == nil {
		err = s.consumer.Resume(assigned)
	}
	if err != nil {
		return s.cfg.unavailable(err)
	}
	s.paused = false
	return nil
}
