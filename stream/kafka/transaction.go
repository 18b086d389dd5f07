package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/internal/failpoint"
	"github.com/txflow/txflow/stream/pipeline"
)

// transactionTimeout is how long the broker waits for a member that vanished in the middle of a transaction.
const transactionTimeout = 10 * time.Second

func (s *Session) openProducer(ctx context.Context) error {
	producer, err := kafka.NewProducer(s.cfg.with(s.report, kafka.ConfigMap{"client.id": s.client,
		"transactional.id":       s.cfg.Group + "." + s.cfg.Instance,
		"transaction.timeout.ms": int(transactionTimeout.Milliseconds()),
		// A transaction is handed over in one go, and its commit sends what lingers. With 5 ms its messages went in many
		// small requests, for whose answers librdkafka waits without a pause (see group.go): a fifth of refine's time.
		"linger.ms": 100, "compression.type": "lz4", "go.delivery.reports": false,
		// The broker refuses offsets for a moment while it ends the transaction before; each time it took the default of
		// 100 ms until they were sent again. The wait doubles with each try.
		"retry.backoff.ms":             10,
		"queue.buffering.max.messages": 500_000,
		"go.events.channel.size":       1000, "go.produce.channel.size": 0,
	}))
	if err != nil {
		return s.cfg.refused(err)
	}
	go s.report.errors(producer)
	if err := s.retry(ctx, "start transactions",
		func(ctx context.Context) error { return producer.InitTransactions(ctx) }); err != nil {
		producer.Close()
		return s.cfg.unavailable(err)
	}
	s.producer = producer
	return nil
}

// step says how far a transaction is.
func (s *Session) step(ctx context.Context, point failpoint.Name, messages int) {
	s.cfg.Log.DebugContext(ctx, "transaction", "step", string(point), "messages", messages)
	failpoint.Pass(point)
}

// Commit implements pipeline.Session.
func (s *Session) Commit(ctx context.Context, records []pipeline.Record, done []pipeline.Message) error {
	s.epoch.begin()
	defer s.epoch.end()
	if err := s.epoch.check(done); err != nil { // the consumer goes back at the next poll, or has done so
		return fmt.Errorf("%w: %w", pipeline.ErrAborted, err)
	}
	if err := s.producer.BeginTransaction(); err != nil {
		return s.abort(ctx, err)
	}
	s.step(ctx, failpoint.Producing, len(done))
	if err := s.write(ctx, records); err != nil {
		return s.abort(ctx, err)
	}
	s.step(ctx, failpoint.Produced, len(done))
	member, err := s.member(done)
	if err != nil {
		return s.abort(ctx, err)
	}
	offsets := s.offsets(done)
	if err := s.attempt(ctx, "send offsets", func(ctx context.Context) error {
		return s.producer.SendOffsetsToTransaction(ctx, offsets, member)
	}); err != nil {
		return s.abort(ctx, err)
	}
	s.step(ctx, failpoint.Committing, len(done))
	if err := s.attempt(ctx, "commit", s.producer.CommitTransaction); err != nil {
		return s.abort(ctx, err)
	}
	s.backoff.committed()
	s.step(ctx, failpoint.Committed, len(done))
	return nil
}

// member is what the broker needs to refuse offsets of a member that no longer has the partitions. The order counts:
// the generation is of a time when the partitions were the member's only if the epoch is checked after it is read. A
// member that was removed from its group has no generation, and the broker would check none.
func (s *Session) member(done []pipeline.Message) (*kafka.ConsumerGroupMetadata, error) {
	member, err := s.consumer.GetConsumerGroupMetadata()
	if err != nil {
		return nil, err
	}
	if s.consumer.AssignmentLost() {
		return nil, errors.New("the member was removed from its group")
	}
	return member, s.epoch.check(done)
}

func (s *Session) write(ctx context.Context, records []pipeline.Record) error {
	m := &kafka.Message{} // librdkafka copies what it is given
	for i := range records {
		r := &records[i]
		if m.TopicPartition.Partition = kafka.PartitionAny; r.Pinned {
			m.TopicPartition.Partition = r.Partition
		}
		m.TopicPartition.Topic, m.Key, m.Value, m.Headers = &r.Topic, r.Key, r.Value, pack(r.Headers)
		for {
			err := s.producer.Produce(m, nil)
			if err == nil {
				break
			}
			if code(err) != kafka.ErrQueueFull || ctx.Err() != nil {
				return err
			}
			s.producer.Flush(int(pollStep.Milliseconds()))
		}
	}
	return nil
}

func pack(headers []pipeline.Header) []kafka.Header {
	if len(headers) == 0 {
		return nil
	}
	out := make([]kafka.Header, len(headers))
	for i := range headers {
		out[i] = kafka.Header{Key: headers[i].Name, Value: headers[i].Value}
	}
	return out
}

// offsets are the next ones to read, by partition, with the version that the next message's must be above.
func (s *Session) offsets(done []pipeline.Message) []kafka.TopicPartition {
	last := map[int32]*pipeline.Message{}
	for i := range done {
		if m := last[done[i].Partition]; m == nil || m.Offset < done[i].Offset {
			last[done[i].Partition] = &done[i]
		}
	}
	out := make([]kafka.TopicPartition, 0, len(last))
	for partition, m := range last {
		metadata := packMetadata(m.LogVersion)
		out = append(out, kafka.TopicPartition{Topic: &s.cfg.Topic, Partition: partition, Offset: kafka.Offset(m.Next()),
			Metadata: &metadata})
	}
	return out
}
