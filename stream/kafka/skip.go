package kafka

import (
	"context"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// skips reports whether reading of a partition begins past the offset that it was set to. Then it is set there once
// more, and what comes is read again: markers of transactions and deleted offsets are passed over each time. In two of
// thousands of tests with rebalances, messages that the client had fetched before never came. A jump looks like a
// marker: without this, they would be lost and nothing would say so.
func (s *Session) skips(ctx context.Context, at *position, offset int64) (bool, error) {
	if at.proven {
		return false, nil
	}
	partition := at.assignment.Number
	if at.skippedTo > 0 { // it was read again
		at.proven = true
		if at.skippedTo > offset {
			s.cfg.Log.WarnContext(ctx, "Kafka's client had passed over messages; they are read now", "topic", s.cfg.Topic,
				"partition", partition, "first", offset, "end", at.skippedTo)
		}
		return false, nil
	}
	start := at.next
	if start < 0 && offset > 0 { // nothing is committed
		first, err := s.firstOffsets(ctx, []int32{partition})
		if err != nil {
			return false, err
		}
		start = first[partition]
	}
	if offset == 0 || offset <= start {
		at.proven = true
		return false, nil
	}
	at.skippedTo = offset
	sought, err := s.seek(ctx, []kafka.TopicPartition{{Topic: &s.cfg.Topic, Partition: partition,
		Offset: kafka.Offset(start)}})
	if err == nil {
		err = sought[0].Error
	}
	if err != nil { // what was read must come again: all partitions go back
		s.report.trouble(ctx, err, "step", "go back")
		s.backoff.aborted(err)
		s.epoch.raise()
	}
	return true, nil
}
