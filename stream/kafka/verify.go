package kafka

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/stream/reconcile"
)

// verifiedGroup is the group whose committed offsets say how far another one was reconciled.
const verifiedGroup = "txflow-reconcile."

// Verifier reads what a group was delivered; it implements reconcile.Log. It is for one goroutine.
type Verifier struct {
	cfg          Config
	group, topic string
	admin        *kafka.AdminClient
	reader       *kafka.Consumer
	report       *reporter
}

// OpenVerifier makes the clients; they connect later.
func OpenVerifier(cfg Config, group, topic string) (*Verifier, error) {
	report := newReporter(&cfg)
	reader, err := kafka.NewConsumer(cfg.with(report, kafka.ConfigMap{
		"group.id": verifiedGroup + group, "enable.auto.commit": false,
		"isolation.level": "read_committed", "enable.partition.eof": true, "auto.offset.reset": "earliest",
		"fetch.queue.backoff.ms": 5, "queued.max.messages.kbytes": 8 << 10}))
	if err != nil {
		report.close()
		return nil, cfg.refused(err)
	}
	v := &Verifier{cfg: cfg, group: group, topic: topic, reader: reader, report: report}
	if v.admin, err = kafka.NewAdminClientFromConsumer(reader); err != nil {
		return nil, errors.Join(cfg.unavailable(err), v.Close())
	}
	return v, nil
}

// Close ends the clients.
func (v *Verifier) Close() error {
	if v.admin != nil {
		v.admin.Close()
	}
	defer v.report.close()
	return v.reader.Close()
}

// Topic implements reconcile.Log.
func (v *Verifier) Topic(ctx context.Context) (reconcile.Topic, error) {
	meta, err := v.reader.GetMetadata(nil, true, int(untilOf(ctx).Milliseconds()))
	if err != nil {
		return reconcile.Topic{}, v.cfg.unavailable(err)
	}
	t, ok := meta.Topics[v.topic]
	if !ok {
		return reconcile.Topic{}, fault.WithHint(fault.Failf(fault.ExitUnavailable, "Kafka at %s has no topic %s",
			v.cfg.Brokers, v.topic), "make it with txflow topics apply")
	}
	var numbers []int32
	for _, p := range t.Partitions {
		numbers = append(numbers, p.ID)
	}
	limited, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	name, err := logID(limited, v.admin, v.topic)
	if err != nil {
		return reconcile.Topic{}, v.cfg.unavailable(err)
	}
	read, err := groupOffsets(ctx, v.admin, v.group, v.topic, numbers)
	if err != nil {
		return reconcile.Topic{}, v.cfg.unavailable(err)
	}
	verified, err := groupOffsets(ctx, v.admin, verifiedGroup+v.group, v.topic, numbers)
	if err != nil {
		return reconcile.Topic{}, v.cfg.unavailable(err)
	}
	out := reconcile.Topic{Log: name}
	for i := range read {
		out.Partitions = append(out.Partitions, reconcile.Partition{Number: read[i].Number, Begin: read[i].Begin,
			Committed: read[i].Committed, Verified: verified[i].Committed})
	}
	return out, nil
}

// readPatience is how long the next message is waited for.
const readPatience = time.Minute

// Read implements reconcile.Log.
func (v *Verifier) Read(ctx context.Context, partition int32, from, to int64,
	visit func(offset int64, value []byte) error) error {
	if err := v.reader.Assign([]kafka.TopicPartition{{Topic: &v.topic, Partition: partition,
		Offset: kafka.Offset(from)}}); err != nil {
		return v.cfg.unavailable(err)
	}
	for end := time.Now().Add(readPatience); ; {
		switch e := v.reader.Poll(int(pollStep.Milliseconds())).(type) {
		case *kafka.Message:
			if e.TopicPartition.Partition != partition { // of the one before
				continue
			}
			if int64(e.TopicPartition.Offset) >= to {
				return nil
			}
			if err := visit(int64(e.TopicPartition.Offset), e.Value); err != nil {
				return err
			}
			end = time.Now().Add(readPatience)
		case kafka.PartitionEOF:
			if e.Partition == partition && int64(e.Offset) >= to {
				return nil
			}
		case kafka.Error:
			if e.IsFatal() || slices.Contains([]kafka.ErrorCode{kafka.ErrUnknownTopicOrPart, kafka.ErrTopicAuthorizationFailed},
				e.Code()) {
				return v.cfg.unavailable(e)
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if time.Now().After(end) {
			return fault.Failf(fault.ExitTryAgain, "Kafka at %s gave no message of %s, partition %d, up to offset %d for %s",
				v.cfg.Brokers, v.topic, partition, to, readPatience)
		}
	}
}

// Record implements reconcile.Log.
func (v *Verifier) Record(_ context.Context, verified map[int32]int64) error {
	offsets := make([]kafka.TopicPartition, 0, len(verified))
	for partition, next := range verified {
		offsets = append(offsets, kafka.TopicPartition{Topic: &v.topic, Partition: partition, Offset: kafka.Offset(next)})
	}
	done, err := v.reader.CommitOffsets(offsets)
	if err == nil {
		err = failed(done)
	}
	if err != nil {
		return v.cfg.unavailable(err)
	}
	return nil
}
