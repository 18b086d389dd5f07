package kafka

import (
	"context"
	"slices"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/stream/status"
)

// groupOffsets asks for the committed offsets of a group in partitions of a topic, and for the first and last offsets
// that readers of committed messages see. What it has committed in a transaction that is still open does not count.
func groupOffsets(ctx context.Context, admin *kafka.AdminClient, group, topic string,
	partitions []int32) ([]status.Partition, error) {
	asked := make([]kafka.TopicPartition, len(partitions))
	for i, number := range partitions {
		asked[i] = kafka.TopicPartition{Topic: &topic, Partition: number}
	}
	found := map[int32]*status.Partition{}
	for _, number := range partitions {
		found[number] = &status.Partition{Number: number, Committed: -1}
	}
	var groups kafka.ListConsumerGroupOffsetsResult
	err := coordinated(ctx, func() (err error) {
		groups, err = admin.ListConsumerGroupOffsets(ctx,
			[]kafka.ConsumerGroupTopicPartitions{{Group: group, Partitions: asked}},
			kafka.SetAdminRequestTimeout(adminTimeout))
		return err
	})
	if err != nil && code(err) != kafka.ErrGroupIDNotFound {
		return nil, err
	}
	for _, g := range groups.ConsumerGroupsTopicPartitions {
		for _, p := range g.Partitions {
			if p.Offset >= 0 {
				found[p.Partition].Committed = int64(p.Offset)
			}
		}
	}
	for _, spec := range []kafka.OffsetSpec{kafka.EarliestOffsetSpec, kafka.LatestOffsetSpec} {
		question := map[kafka.TopicPartition]kafka.OffsetSpec{}
		for _, p := range asked {
			question[p] = spec
		}
		answer, err := admin.ListOffsets(ctx, question, kafka.SetAdminIsolationLevel(kafka.IsolationLevelReadCommitted),
			kafka.SetAdminRequestTimeout(adminTimeout))
		if err != nil {
			return nil, err
		}
		for p, info := range answer.ResultInfos {
			if info.Error.Code() != kafka.ErrNoError {
				return nil, info.Error
			}
			if spec == kafka.EarliestOffsetSpec {
				found[p.Partition].Begin = int64(info.Offset)
			} else {
				found[p.Partition].End = int64(info.Offset)
			}
		}
	}
	out := make([]status.Partition, 0, len(found))
	for _, p := range found {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b status.Partition) int { return int(a.Number) - int(b.Number) })
	return out, nil
}

// coordinated asks again while the group's coordinator moves or is only just made, which takes a moment.
func coordinated(ctx context.Context, ask func() error) error {
	for end := time.Now().Add(adminTimeout); ; {
		err := ask()
		switch code(err) {
		case kafka.ErrNotCoordinator, kafka.ErrCoordinatorLoadInProgress, kafka.ErrCoordinatorNotAvailable:
			if time.Now().After(end) {
				return err
			}
		default:
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pollStep):
		}
	}
}
