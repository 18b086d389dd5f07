package kafka

import (
	"context"
	"fmt"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/stream/topics"
)

// Joined reports whether the member has joined its group, as far as it knows. It may be called from any goroutine.
func (s *Session) Joined() bool { return s.consumer.GetRebalanceProtocol() != "NONE" }

// Aborts implements watch.Member. It may be called from any goroutine.
func (s *Session) Aborts() (total int64, wait time.Duration, cause error) { return s.backoff.state() }

// Lag asks the broker how many messages of each partition that the member has are not committed. It may be called from
// any goroutine until Close.
func (s *Session) Lag(ctx context.Context) (map[int32]int64, error) {
	assigned, err := s.consumer.Assignment()
	if err != nil {
		return nil, s.cfg.unavailable(err)
	}
	meta, err := s.metadata(ctx)
	if err != nil {
		return nil, s.cfg.unavailable(err)
	}
	if len(assigned) == 0 {
		if e := meta.Topics[s.cfg.Topic].Error; e.Code() == kafka.ErrUnknownTopicOrPart || e.Code() == kafka.ErrUnknownTopic {
			return nil, fmt.Errorf("%s: %w", s.cfg.Topic, topics.ErrMissing)
		}
		return map[int32]int64{}, nil
	}
	partitions, err := groupOffsets(ctx, s.admin, s.cfg.Group, s.cfg.Topic, numbers(assigned))
	if err != nil {
		return nil, s.cfg.unavailable(err)
	}
	lag := make(map[int32]int64, len(partitions))
	for _, p := range partitions {
		lag[p.Number] = max(p.End-s.positions.idle(p.Number, p.Next()), 0)
	}
	return lag, nil
}

// metadata is what the broker says of the topic. It comes before other questions of the admin client: one that is asked
// while no broker answers has librdkafka connect without a pause, thousands of times a second, until its time is over.
func (s *Session) metadata(ctx context.Context) (*kafka.Metadata, error) {
	return s.admin.GetMetadata(&s.cfg.Topic, false, int(untilOf(ctx).Milliseconds()))
}

// untilOf is the time that a context has left, for calls that take a time alone.
func untilOf(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return max(min(time.Until(end), adminTimeout), time.Millisecond)
	}
	return adminTimeout
}
