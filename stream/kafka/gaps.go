package kafka

import (
	"context"
	"slices"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/stream/transactions/classify"
)

// jump notes that the next offset of a partition is not the one that was expected. Mostly only markers of producers'
// transactions stand between the two, which confirm finds out before the messages are handed out.
func (l *Log) jump(partition int32, at *place, next int64) {
	if at.next < 0 || next <= at.next {
		return
	}
	l.ahead = append(l.ahead, classify.Message{Log: at.log, Partition: partition, Offset: at.next, Gap: next - at.next, Place: at.last})
	l.jumps++
	at.next = next
}

// confirm asks the broker which jumps are gaps: what stands before its first offset is deleted. The others are dropped.
func (l *Log) confirm(ctx context.Context) error {
	if l.jumps == 0 {
		return nil
	}
	ask := map[kafka.TopicPartition]kafka.OffsetSpec{}
	for i := range l.ahead {
		if m := &l.ahead[i]; m.Gap > 0 {
			ask[kafka.TopicPartition{Topic: &l.cfg.Topic, Partition: m.Partition}] = kafka.EarliestOffsetSpec
		}
	}
	begin := map[int32]int64{}
	if len(ask) > 0 {
		err := l.persist(ctx, "read the first offsets", func(ctx context.Context) error {
			answer, err := l.admin.ListOffsets(ctx, ask, kafka.SetAdminRequestTimeout(tryTime))
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
			return l.cfg.away(err)
		}
	}
	l.jumps = 0
	l.ahead = slices.DeleteFunc(l.ahead, func(m classify.Message) bool { return m.Gap > 0 && begin[m.Partition] <= m.Offset })
	for i := range l.ahead {
		m := &l.ahead[i]
		if m.Gap == 0 {
			continue
		}
		m.Gap = min(begin[m.Partition], m.Next()) - m.Offset
		l.cfg.Log.WarnContext(ctx, "retention deleted offsets before they were read", "topic", l.cfg.Topic, "partition", m.Partition,
			"first", m.Offset, "offsets", m.Gap)
	}
	return nil
}
