package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/internal/failpoint"
	"github.com/txflow/txflow/stream/transactions/classify"
)

// transactionTimeout is how long the broker waits for a member that vanished in the middle of a transaction.
const transactionTimeout = 10 * time.Second

func (l *Log) openProducer(ctx context.Context) error {
	producer, err := kafka.NewProducer(l.cfg.with(l.report, kafka.ConfigMap{"client.id": l.client,
		"transactional.id": l.cfg.Group + "." + l.cfg.Instance, "transaction.timeout.ms": int(transactionTimeout.Milliseconds()),
		"linger.ms": 5, "compression.type": "lz4", "go.delivery.reports": false, "queue.buffering.max.messages": 500_000,
		"go.events.channel.size": 1000, "go.produce.channel.size": 0,
	}))
	if err != nil {
		return l.cfg.refused(err)
	}
	go l.report.errors(producer)
	if err := l.persist(ctx, "start transactions", func(ctx context.Context) error { return producer.InitTransactions(ctx) }); err != nil {
		producer.Close()
		return l.cfg.away(err)
	}
	l.producer = producer
	return nil
}

// step says how far a transaction is.
func (l *Log) step(ctx context.Context, point failpoint.Name, messages int) {
	l.cfg.Log.DebugContext(ctx, "transaction", "step", string(point), "messages", messages)
	failpoint.Pass(point)
}

// Commit implements classify.Log.
func (l *Log) Commit(ctx context.Context, records []classify.Record, done []classify.Message) error {
	if err := l.polls.check(done); err != nil {
		return l.refuse(ctx, err)
	}
	if err := l.producer.BeginTransaction(); err != nil {
		return l.giveUp(ctx, err)
	}
	l.step(ctx, failpoint.Producing, len(done))
	if err := l.write(ctx, records); err != nil {
		return l.giveUp(ctx, err)
	}
	l.step(ctx, failpoint.Produced, len(done))
	member, err := l.member(done)
	if err != nil {
		return l.giveUp(ctx, err)
	}
	offsets := l.offsets(done)
	if err := l.persist(ctx, "send offsets", func(ctx context.Context) error {
		return l.producer.SendOffsetsToTransaction(ctx, offsets, member)
	}); err != nil {
		return l.giveUp(ctx, err)
	}
	l.step(ctx, failpoint.Committing, len(done))
	if err := l.persist(ctx, "commit", l.producer.CommitTransaction); err != nil {
		return l.giveUp(ctx, err)
	}
	l.backoff.committed()
	l.step(ctx, failpoint.Committed, len(done))
	return nil
}

// refuse is Commit of messages that must not be committed any more, before anything was done.
func (l *Log) refuse(ctx context.Context, cause error) error {
	if errors.Is(cause, errVoid) { // the consumer has gone back already, or does so at the next poll
		return fmt.Errorf("%w: %w", classify.ErrRedelivered, cause)
	}
	return l.giveUp(ctx, cause)
}

// member is what the broker needs to refuse offsets of a member that no longer has the partitions. The order counts: only
// what is known of the group before the messages are found to be ours is sure to be of a time when they were; and a member
// that was thrown out has no generation, of which the broker would ask nothing.
func (l *Log) member(done []classify.Message) (*kafka.ConsumerGroupMetadata, error) {
	member, err := l.consumer.GetConsumerGroupMetadata()
	if err != nil {
		return nil, err
	}
	if l.consumer.AssignmentLost() {
		return nil, errors.New("the member was thrown out of its group")
	}
	return member, l.polls.check(done)
}

func (l *Log) write(ctx context.Context, records []classify.Record) error {
	m := &kafka.Message{TopicPartition: kafka.TopicPartition{Partition: kafka.PartitionAny}} // librdkafka copies what it is given
	for i := range records {
		r := &records[i]
		m.TopicPartition.Topic, m.Key, m.Value, m.Headers = &r.Topic, r.Key, r.Value, pack(r.Headers)
		for {
			err := l.producer.Produce(m, nil)
			if err == nil {
				break
			}
			if code(err) != kafka.ErrQueueFull || ctx.Err() != nil {
				return err
			}
			l.producer.Flush(int(pollStep.Milliseconds()))
		}
	}
	return nil
}

func pack(headers map[string]string) (out []kafka.Header) {
	for name, value := range headers {
		out = append(out, kafka.Header{Key: name, Value: []byte(value)})
	}
	return out
}

// offsets are the next ones to read, by partition, with the version that the next message's must be above.
func (l *Log) offsets(done []classify.Message) []kafka.TopicPartition {
	last := map[int32]*classify.Message{}
	for i := range done {
		if m := last[done[i].Partition]; m == nil || m.Offset < done[i].Offset {
			last[done[i].Partition] = &done[i]
		}
	}
	out := make([]kafka.TopicPartition, 0, len(last))
	for partition, m := range last {
		metadata := packMetadata(m.Place)
		out = append(out, kafka.TopicPartition{Topic: &l.cfg.Topic, Partition: partition, Offset: kafka.Offset(m.Next()), Metadata: &metadata})
	}
	return out
}

// tryTime is how long one try of a step of a transaction may take.
const tryTime = 10 * time.Second

// persist does a step of a transaction again as long as the broker says that this may help.
func (l *Log) persist(ctx context.Context, what string, step func(context.Context) error) error {
	for {
		tryCtx, cancel := context.WithTimeout(ctx, tryTime)
		err := step(tryCtx)
		cancel()
		if err == nil || !passing(err) || ctx.Err() != nil {
			return err
		}
		l.report.trouble(ctx, err, "step", what)
	}
}

// giveUp ends the transaction without a trace, and has the next poll wait a little and go back to what is committed. A
// producer that the broker gave up is replaced by a new one, which ends for sure what the old one left open; but one that was
// fenced by another process of this member's name ends the member.
func (l *Log) giveUp(ctx context.Context, cause error) error {
	if fencedOut(cause) {
		return l.fencedError(ctx, cause)
	}
	dead := fatal(cause)
	if !dead {
		err := l.persist(ctx, "abort", l.producer.AbortTransaction)
		dead = err != nil && code(err) != kafka.ErrState // ErrState: there is none to abort
	}
	if dead {
		if err := l.replace(ctx, cause); err != nil {
			return err
		}
	}
	l.backoff.aborted(cause)
	l.polls.giveUp()
	return fmt.Errorf("%w: %w", classify.ErrRedelivered, cause)
}

// replace opens a new producer, unless another process has this member's name. A producer is fenced, too, when the broker
// ended its transaction for taking too long.
func (l *Log) replace(ctx context.Context, cause error) error {
	var by *kafka.MemberDescription
	if err := l.persist(ctx, "look who has the name", func(ctx context.Context) (err error) {
		by, err = l.successor(ctx)
		return err
	}); err != nil {
		return errors.Join(l.cfg.away(err), cause)
	}
	if by != nil {
		return l.fenced(by, cause)
	}
	l.producer.Close()
	l.producer = nil
	return l.openProducer(ctx)
}

// fatal tells of an error whether the producer is of no more use. librdkafka does not say so of all ways to be fenced.
func fatal(err error) bool {
	switch code(err) {
	case kafka.ErrFenced, kafka.ErrProducerFenced, kafka.ErrInvalidProducerEpoch, kafka.ErrFatal:
		return true
	}
	var e kafka.Error
	return errors.As(err, &e) && e.IsFatal()
}

// rewind goes back to the committed offsets of the partitions that are still ours.
func (l *Log) rewind(ctx context.Context) error {
	l.ahead, l.jumps = nil, 0
	assigned, err := l.consumer.Assignment()
	if err != nil || len(assigned) == 0 {
		return err
	}
	committed, err := l.restore(ctx, assigned)
	if err != nil {
		return err
	}
	for i := range committed {
		if committed[i].Offset < 0 {
			committed[i].Offset = kafka.OffsetBeginning
		}
	}
	return l.persist(ctx, "go back", func(context.Context) error {
		sought, err := l.consumer.SeekPartitions(committed)
		return errors.Join(err, failed(sought))
	})
}

// failed is the first error that stands at a partition. ErrState is none: a partition that is not read yet begins at its
// committed offset by itself.
func failed(partitions []kafka.TopicPartition) error {
	for _, p := range partitions {
		if p.Error != nil && code(p.Error) != kafka.ErrState {
			return fmt.Errorf("partition %d: %w", p.Partition, p.Error)
		}
	}
	return nil
}

// passing tells of an error whether the same step may succeed later. librdkafka says so of a producer's errors, but not of a
// consumer's.
func passing(err error) bool {
	var e kafka.Error
	if !errors.As(err, &e) || e.IsFatal() || e.TxnRequiresAbort() {
		return false
	}
	switch e.Code() {
	case kafka.ErrTimedOut, kafka.ErrTransport, kafka.ErrAllBrokersDown, kafka.ErrWaitCoord, kafka.ErrNotCoordinator,
		kafka.ErrCoordinatorLoadInProgress, kafka.ErrCoordinatorNotAvailable, kafka.ErrUnstableOffsetCommit, kafka.ErrRequestTimedOut:
		return true
	}
	return e.IsRetriable()
}

func code(err error) kafka.ErrorCode {
	var e kafka.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return kafka.ErrNoError
}
