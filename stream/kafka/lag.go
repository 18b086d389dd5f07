package kafka

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/stream/topics"
)

// marks are what a member saw of its partitions.
type marks struct {
	mu   sync.Mutex
	read map[int32]int64 // behind the last message
	end  map[int32]int64 // where nothing more was to be read
}

func newMarks() *marks { return &marks{read: map[int32]int64{}, end: map[int32]int64{}} }

func (m *marks) sawMessage(partition int32, offset int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.read[partition] = offset + 1
}

func (m *marks) sawEnd(partition int32, offset int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.end[partition] = offset
}

func (m *marks) forget(partition int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.read, partition)
	delete(m.end, partition)
}

// beyond is the offset up to which no message waits: a little further than what is committed, where only markers of
// producers' transactions stand.
func (m *marks) beyond(partition int32, committed int64) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if committed < m.read[partition] {
		return committed
	}
	return max(committed, m.end[partition])
}

// Joined tells whether the member has joined its group, as far as it knows. It may be called from any goroutine.
func (l *Log) Joined() bool { return l.consumer.GetRebalanceProtocol() != "NONE" }

// Aborts implements watch.Log. It may be called from any goroutine.
func (l *Log) Aborts() (total int64, wait time.Duration, cause error) { return l.backoff.state() }

// Lag asks the broker how many messages of each partition that is ours are not committed. It may be called from any
// goroutine until Close.
func (l *Log) Lag(ctx context.Context) (map[int32]int64, error) {
	assigned, err := l.consumer.Assignment()
	if err != nil {
		return nil, l.cfg.away(err)
	}
	if len(assigned) == 0 {
		meta, err := l.admin.GetMetadata(&l.cfg.Topic, false, int(untilOf(ctx).Milliseconds()))
		if err != nil {
			return nil, l.cfg.away(err)
		}
		if e := meta.Topics[l.cfg.Topic].Error; e.Code() == kafka.ErrUnknownTopicOrPart || e.Code() == kafka.ErrUnknownTopic {
			return nil, fmt.Errorf("%s: %w", l.cfg.Topic, topics.ErrMissing)
		}
		return map[int32]int64{}, nil
	}
	partitions, err := standing(ctx, l.admin, l.cfg.Group, l.cfg.Topic, numbers(assigned))
	if err != nil {
		return nil, l.cfg.away(err)
	}
	lag := make(map[int32]int64, len(partitions))
	for _, p := range partitions {
		lag[p.Number] = max(p.End-l.marks.beyond(p.Number, p.Next()), 0)
	}
	return lag, nil
}

// untilOf is the time that a context has left, for calls that take a time alone.
func untilOf(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return max(min(time.Until(end), adminTimeout), time.Millisecond)
	}
	return adminTimeout
}
