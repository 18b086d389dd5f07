package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/stream/classify"
	"github.com/txflow/txflow/stream/message"
)

// LogConfig says what a member of a group reads, and as whom it writes.
type LogConfig struct {
	Config
	Topic    string
	Group    string
	Instance string // stable over restarts, and of this member alone: a new one with the same name ends the old one's transactions
}

// transactionTimeout is how long the broker waits for a member that vanished in the middle of a transaction.
const transactionTimeout = 10 * time.Second

// Log consumes a topic and writes in transactions; it implements classify.Log. It is for one goroutine.
type Log struct {
	cfg      LogConfig
	consumer *kafka.Consumer
	producer *kafka.Producer
	ahead    []*kafka.Message // that came while others were worked on
	paused   bool
	lost     map[int32]bool // partitions that were taken away since the last Poll
}

// OpenLog joins the group and ends what a former process of the same instance left open.
func OpenLog(ctx context.Context, cfg LogConfig) (*Log, error) {
	l := &Log{cfg: cfg, lost: map[int32]bool{}}
	var err error
	if l.consumer, err = kafka.NewConsumer(cfg.with(kafka.ConfigMap{
		"group.id": cfg.Group, "enable.auto.commit": false, "auto.offset.reset": "earliest", "isolation.level": "read_committed",
		"partition.assignment.strategy": "cooperative-sticky", "session.timeout.ms": 10_000,
		// At its default of a second, a backlog drains several times slower: librdkafka pauses whenever its queue is full.
		"fetch.queue.backoff.ms": 5, "queued.max.messages.kbytes": 32 << 10,
	})); err != nil {
		return nil, cfg.away(err)
	}
	if err := l.openProducer(ctx); err != nil {
		return nil, errors.Join(err, l.consumer.Close())
	}
	if err := l.consumer.Subscribe(cfg.Topic, l.rebalanced); err != nil {
		return nil, errors.Join(cfg.away(err), l.Close())
	}
	return l, nil
}

func (l *Log) openProducer(ctx context.Context) error {
	producer, err := kafka.NewProducer(l.cfg.with(kafka.ConfigMap{
		"transactional.id": l.cfg.Group + "." + l.cfg.Instance, "transaction.timeout.ms": int(transactionTimeout.Milliseconds()),
		"linger.ms": 5, "compression.type": "lz4", "go.delivery.reports": false, "queue.buffering.max.messages": 500_000,
	}))
	if err != nil {
		return l.cfg.away(err)
	}
	go func() { // errors of the client itself; librdkafka goes on by itself
		for e := range producer.Events() {
			if err, ok := e.(kafka.Error); ok {
				l.cfg.Log.Debug("Kafka producer", "error", err.Error())
			}
		}
	}()
	if err := l.persist(ctx, "start transactions", func(ctx context.Context) error { return producer.InitTransactions(ctx) }); err != nil {
		producer.Close()
		return l.cfg.away(err)
	}
	l.producer = producer
	return nil
}

// Close leaves the group. What is not committed comes again.
func (l *Log) Close() error {
	if l.producer != nil {
		l.producer.Close()
	}
	return l.consumer.Close()
}

// rebalanced notes what is taken away; librdkafka does the rest.
func (l *Log) rebalanced(_ *kafka.Consumer, e kafka.Event) error {
	switch e := e.(type) {
	case kafka.AssignedPartitions:
		l.cfg.Log.Info("partitions assigned", "topic", l.cfg.Topic, "partitions", numbers(e.Partitions))
	case kafka.RevokedPartitions:
		l.cfg.Log.Info("partitions taken away", "topic", l.cfg.Topic, "partitions", numbers(e.Partitions))
		for _, p := range e.Partitions {
			l.lost[p.Partition] = true
		}
	}
	return nil
}

// Lag is how many messages wait behind what was read, by partition, as far as the client knows without asking.
func (l *Log) Lag() map[int32]int64 {
	assigned, err := l.consumer.Assignment()
	if err != nil {
		return nil
	}
	positions, err := l.consumer.Position(assigned)
	if err != nil {
		return nil
	}
	lag := map[int32]int64{}
	for _, p := range positions {
		if _, high, err := l.consumer.GetWatermarkOffsets(l.cfg.Topic, p.Partition); err == nil && p.Offset >= 0 && high >= 0 {
			lag[p.Partition] = max(high-int64(p.Offset), 0)
		}
	}
	return lag
}

func numbers(partitions []kafka.TopicPartition) []int32 {
	out := make([]int32, len(partitions))
	for i, p := range partitions {
		out[i] = p.Partition
	}
	return out
}

// pollStep is how long one wait for a message is: the end of the context is noticed between two.
const pollStep = 100 * time.Millisecond

// Poll implements classify.Log.
func (l *Log) Poll(ctx context.Context, limit int, wait time.Duration) ([]classify.Message, error) {
	if l.paused {
		if err := l.resume(); err != nil {
			return nil, err
		}
	}
	clear(l.lost)
	got := l.ahead
	l.ahead = nil
	end := time.Now().Add(wait)
	for len(got) < limit && ctx.Err() == nil {
		step := pollStep
		if len(got) > 0 {
			if step = min(step, time.Until(end)); step <= 0 {
				break
			}
		}
		m, err := l.next(step)
		if err != nil {
			return nil, err
		}
		switch {
		case m != nil && len(got) == 0:
			end = time.Now().Add(wait)
			got = append(got, m)
		case m != nil:
			got = append(got, m)
		case len(got) == 0:
			return nil, nil
		}
	}
	messages := make([]classify.Message, 0, len(got))
	for _, m := range got {
		if !l.lost[m.TopicPartition.Partition] {
			messages = append(messages, classify.Message{Partition: m.TopicPartition.Partition, Offset: int64(m.TopicPartition.Offset),
				Value: m.Value, Traceparent: header(m, message.HeaderTrace), Replays: replays(m), Time: m.Timestamp})
		}
	}
	clear(l.lost) // what is lost from now on is lost under the caller's hands
	return messages, nil
}

// next waits for one message; nil when there is none yet. A broker that is away is no error: librdkafka connects again.
func (l *Log) next(wait time.Duration) (*kafka.Message, error) {
	switch e := l.consumer.Poll(int(max(wait.Milliseconds(), 1))).(type) {
	case *kafka.Message:
		return e, nil
	case kafka.Error:
		if e.IsFatal() || e.Code() == kafka.ErrUnknownTopicOrPart || e.Code() == kafka.ErrTopicAuthorizationFailed {
			return nil, l.cfg.away(fmt.Errorf("%s: %w", l.cfg.Topic, e))
		}
		l.cfg.Log.Warn("Kafka", "error", e.Error())
	}
	return nil, nil
}

// replays reads how often a message was replayed; nonsense counts as never.
func replays(m *kafka.Message) int {
	n, err := strconv.Atoi(header(m, message.HeaderReplays))
	if err != nil {
		return 0
	}
	return n
}

func header(m *kafka.Message, name string) string {
	for _, h := range m.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// KeepAlive implements classify.Log: it polls with the partitions paused.
func (l *Log) KeepAlive(context.Context) error {
	assigned, err := l.consumer.Assignment()
	if err != nil {
		return l.cfg.away(err)
	}
	if err := l.consumer.Pause(assigned); err != nil {
		return l.cfg.away(err)
	}
	l.paused = true
	m, err := l.next(time.Millisecond)
	if m != nil {
		l.ahead = append(l.ahead, m) // of a partition that was assigned just now
	}
	return err
}

func (l *Log) resume() error {
	assigned, err := l.consumer.Assignment()
	if err == nil {
		err = l.consumer.Resume(assigned)
	}
	if err != nil {
		return l.cfg.away(err)
	}
	l.paused = false
	return nil
}

// Commit implements classify.Log.
func (l *Log) Commit(ctx context.Context, records []classify.Record, done []classify.Message) error {
	for i := range done {
		if l.lost[done[i].Partition] {
			return l.giveUp(ctx, fmt.Errorf("partition %d was taken away", done[i].Partition))
		}
	}
	if err := l.producer.BeginTransaction(); err != nil {
		return l.giveUp(ctx, err)
	}
	if err := l.write(ctx, records); err != nil {
		return l.giveUp(ctx, err)
	}
	member, err := l.consumer.GetConsumerGroupMetadata()
	if err != nil {
		return l.giveUp(ctx, err)
	}
	offsets := l.offsets(done)
	if err := l.persist(ctx, "send offsets", func(ctx context.Context) error {
		return l.producer.SendOffsetsToTransaction(ctx, offsets, member)
	}); err != nil {
		return l.giveUp(ctx, err)
	}
	if err := l.persist(ctx, "commit", l.producer.CommitTransaction); err != nil {
		return l.giveUp(ctx, err)
	}
	return nil
}

func (l *Log) write(ctx context.Context, records []classify.Record) error {
	for i := range records {
		r := &records[i]
		m := &kafka.Message{TopicPartition: kafka.TopicPartition{Topic: &r.Topic, Partition: kafka.PartitionAny}, Key: r.Key, Value: r.Value, Headers: pack(r.Headers)}
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

// offsets are the next ones to read, by partition.
func (l *Log) offsets(done []classify.Message) []kafka.TopicPartition {
	next := map[int32]int64{}
	for i := range done {
		next[done[i].Partition] = max(next[done[i].Partition], done[i].Offset+1)
	}
	out := make([]kafka.TopicPartition, 0, len(next))
	for partition, offset := range next {
		out = append(out, kafka.TopicPartition{Topic: &l.cfg.Topic, Partition: partition, Offset: kafka.Offset(offset)})
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
		var e kafka.Error
		if err == nil || !errors.As(err, &e) || !e.IsRetriable() || ctx.Err() != nil {
			return err
		}
		l.cfg.Log.WarnContext(ctx, "Kafka does not answer, trying again", "step", what, "error", err.Error())
	}
}

// giveUp ends the transaction without a trace and goes back to what is committed. A producer that was fenced, or that the
// broker gave up, is replaced by a new one, which ends for sure what the old one left open.
func (l *Log) giveUp(ctx context.Context, cause error) error {
	var e kafka.Error
	fatal := errors.As(cause, &e) && e.IsFatal()
	if !fatal {
		err := l.persist(ctx, "abort", l.producer.AbortTransaction)
		fatal = err != nil && code(err) != kafka.ErrState // ErrState: there is none to abort
	}
	if fatal {
		l.producer.Close()
		l.producer = nil
		if err := l.openProducer(ctx); err != nil {
			return errors.Join(err, cause)
		}
	}
	if err := l.rewind(ctx); err != nil {
		return errors.Join(err, cause)
	}
	return fmt.Errorf("%w: %w", classify.ErrRedelivered, cause)
}

// rewind goes back to the committed offsets of the partitions that are still ours.
func (l *Log) rewind(ctx context.Context) error {
	l.ahead = nil
	assigned, err := l.consumer.Assignment()
	if err != nil || len(assigned) == 0 {
		return err
	}
	return l.persist(ctx, "go back", func(context.Context) error {
		committed, err := l.consumer.Committed(assigned, int(tryTime.Milliseconds()))
		if err != nil {
			return err
		}
		for i := range committed {
			if committed[i].Offset < 0 {
				committed[i].Offset = kafka.OffsetBeginning
			}
		}
		_, err = l.consumer.SeekPartitions(committed)
		return err
	})
}

func code(err error) kafka.ErrorCode {
	var e kafka.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return kafka.ErrNoError
}
