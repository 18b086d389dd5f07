package kafka

import (
	"context"
	"slices"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/stream/pipeline"
)

// jump notes that the next offset of a partition is not the one that was expected. Mostly only markers of producers'
// transactions are between the two, which confirm finds out before the messages are handed out.
func (s *Session) jump(at *position, next int64) {
	if at.next < 0 || next <= at.next {
		return
	}
	a := &at.assignment
	s.buffer = append(s.buffer, pipeline.Message{Topic: a.Topic, LogID: a.LogID, Partition: a.Number, Offset: at.next,
		Gap: next - at.next, LogVersion: at.version})
	s.jumps++
	at.next = next
}

// confirm asks the broker which jumps are gaps: what is before its first offset is deleted. The others are dropped.
func (s *Session) confirm(ctx context.Context) error {
	if s.jumps == 0 {
		return nil
	}
	var partitions []int32
	for i := range s.buffer {
		if m := &s.buffer[i]; m.Gap > 0 {
			partitions = append(partitions, m.Partition)
		}
	}
	begin, err := s.firstOffsets(ctx, partitions)
	if err != nil {
		return err
	}
	s.jumps = 0
	s.buffer = slices.DeleteFunc(s.buffer, func(m pipeline.Message) bool {
		return m.Gap > 0 && begin[m.Partition] <= m.Offset
	})
	for i := range s.buffer {
		m := &s.buffer[i]
		if m.Gap == 0 {
			continue
		}
		m.Gap = min(begin[m.Partition], m.Next()) - m.Offset
		s.cfg.Log.WarnContext(ctx, "retention deleted offsets before they were read", "topic", s.cfg.Topic, "partition",
			m.Partition, "first", m.Offset, "offsets", m.Gap)
	}
	return nil
}

// firstOffsets asks the broker for the first offset of each partition that is not deleted.
func (s *Session) firstOffsets(ctx context.Context, partitions []int32) (map[int32]int64, error) {
	begin := map[int32]int64{}
	if len(partitions) == 0 {
		return begin, nil
	}
	ask := map[kafka.TopicPartition]kafka.OffsetSpec{} // each partition once
	for _, p := range partitions {
		ask[kafka.TopicPartition{Topic: &s.cfg.Topic, Partition: p}] = kafka.EarliestOffsetSpec
	}
	err := s.retry(ctx, "read the first offsets", func(ctx context.Context) error {
		answer, err := s.admin.ListOffsets(ctx, ask, kafka.SetAdminRequestTimeout(tryTime))
		if err != nil {
			return err
		}
		for p, info := range answer.ResultInfos {
			if info.Error.Code() != kafka.ErrNoError {
				return info.Error
			}
			begin[p.Partition] = int64(info.Offset)
		}
		return nil
	})
	if err != nil {
		return nil, s.cfg.unavailable(err)
	}
	return begin, nil
}
