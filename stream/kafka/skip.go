package kafka

import (
	"context"
	"errors"

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
	partition, start := at.assignment.Number, at.next
	if start < 0 {
		first, err := s.firstOffsets(ctx, []int32{partition})
		if err != nil {
			return false, err
		}
		start = first[partition]
	}
	if offset <= start || at.skippedTo > 0 {
		at.proven = true
		if at.skippedTo > offset {
			s.cfg.Log.WarnContext(ctx, "Kafka's client had passed over messages; they are read now", "topic", s.cfg.Topic,
				"partition", partition, "first", offset, "end", at.skippedTo)
		}
		return false, nil
	}
	at.skippedTo = offset
	err := s.retry(ctx, "go back", func(context.Context) error {
		sought, err := s.consumer.SeekPartitions([]kafka.TopicPartition{{Topic: &s.cfg.Topic, Partition: partition,
			Offset: kafka.Offset(start)}})
		for _, p := range sought {
			err = errors.Join(err, p.Error)
		}
		return err
	})
	if err != nil { // what was read must come again: all partitions go back
		s.report.trouble(ctx, err, "step", "go back")
		s.backoff.aborted(err)
		s.epoch.raise()
	}
	return true, nil
}
