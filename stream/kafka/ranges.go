package kafka

import (
	"context"
	"strings"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/status"
)

// Ranges reads parts of a topic's partitions, and keeps in a group's committed offsets how far each is read. It is for
// one goroutine.
type Ranges struct {
	*Scanner
	group string
}

// OpenRanges makes the clients; they connect later.
func OpenRanges(cfg Config, group, topic string) (*Ranges, error) {
	s, err := openScanner(cfg, topic, group)
	if err != nil {
		return nil, err
	}
	return &Ranges{s, group}, nil
}

// Partitions returns how far each is read, and the topic's id, which a topic that is made again does not share.
func (r *Ranges) Partitions(ctx context.Context) (topic string, partitions []status.Partition, err error) {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	meta, err := r.reader.GetMetadata(&r.topic, false, int(untilOf(ctx).Milliseconds()))
	if err != nil {
		return "", nil, r.cfg.unavailable(err)
	}
	var numbers []int32
	for _, p := range meta.Topics[r.topic].Partitions {
		numbers = append(numbers, p.ID)
	}
	if len(numbers) == 0 {
		return "", nil, fault.WithHint(fault.Failf(fault.ExitUnavailable, "Kafka at %s has no topic %s", r.cfg.Brokers,
			r.topic), "make it with txflow topics apply")
	}
	name, err := logID(ctx, r.admin, r.topic)
	if err != nil {
		return "", nil, r.cfg.unavailable(err)
	}
	if partitions, err = groupOffsets(ctx, r.admin, r.group, r.topic, numbers); err != nil {
		return "", nil, r.cfg.unavailable(err)
	}
	_, id, _ := strings.Cut(name, "/")
	return id, partitions, nil
}

// Read visits the committed messages from one offset up to another, without that one.
func (r *Ranges) Read(ctx context.Context, partition int32, from, end int64,
	visit func(*pipeline.Message) error) error {
	return r.Scan(ctx, map[int32]Span{partition: {from, end}}, visit)
}

// Record commits the offset that is read next.
func (r *Ranges) Record(_ context.Context, partition int32, next int64) error {
	done, err := r.reader.CommitOffsets([]kafka.TopicPartition{{Topic: &r.topic, Partition: partition,
		Offset: kafka.Offset(next)}})
	if err == nil {
		err = failed(done)
	}
	if err != nil {
		return r.cfg.unavailable(err)
	}
	return nil
}
