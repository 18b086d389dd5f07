package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/stream/classify"
)

// LogConfig says what a member of a group reads, and as whom it writes.
type LogConfig struct {
	Config
	Topic    string
	Group    string
	Now      func() time.Time // the clock; nil for the system's
	Instance string           // stable over restarts, and of this member alone: a new one with the same name ends the old one's transactions
}

// Log consumes a topic and writes in transactions; it implements classify.Log. One goroutine polls, and one may commit
// meanwhile.
type Log struct {
	cfg      LogConfig
	consumer *kafka.Consumer
	admin    *kafka.AdminClient
	producer *kafka.Producer
	ahead    []classify.Message // read, and not yet handed out
	paused   bool               // some partitions may be
	places   map[int32]*place   // by partition, as far as it was read since it was assigned; of the goroutine that polls
	polls    *polls
	marks    *marks
	warning  string    // the last one that was told
	warned   time.Time // when
}

// OpenLog joins the group and ends what a former process of the same instance left open.
func OpenLog(ctx context.Context, cfg LogConfig) (*Log, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	l := &Log{cfg: cfg, polls: newPolls(), marks: newMarks(), places: map[int32]*place{}}
	var err error
	if l.consumer, err = kafka.NewConsumer(cfg.with(kafka.ConfigMap{
		"group.id": cfg.Group, "client.id": "txflow-" + cfg.Instance, "enable.auto.commit": false, "auto.offset.reset": "earliest", "isolation.level": "read_committed", "enable.partition.eof": true,
		"partition.assignment.strategy": "cooperative-sticky", "session.timeout.ms": 10_000,
		// A member that hangs holds its partitions so long, and so long a member waits for the broker's answer to its joining: it
		// polls far more often, also while it works.
		"max.poll.interval.ms": 30_000,
		// At its default of a second, a backlog drains several times slower: librdkafka pauses whenever its queue is full. A
		// longer queue is no quicker, and takes memory with every backlog.
		"fetch.queue.backoff.ms": 5, "queued.max.messages.kbytes": 8 << 10,
	})); err != nil {
		return nil, cfg.away(err)
	}
	if l.admin, err = kafka.NewAdminClientFromConsumer(l.consumer); err != nil {
		return nil, errors.Join(cfg.away(err), l.consumer.Close())
	}
	if err := l.openProducer(ctx); err != nil {
		return nil, errors.Join(err, l.consumer.Close())
	}
	if err := l.consumer.Subscribe(cfg.Topic, l.rebalanced); err != nil {
		return nil, errors.Join(cfg.away(err), l.Close())
	}
	return l, nil
}

// closeLimit bounds each part of Close.
const closeLimit = 5 * time.Second

// Close leaves the group. What is not committed comes again.
func (l *Log) Close() error {
	if l.producer != nil {
		l.producer.Close()
	}
	l.leave()
	closed := make(chan error, 1)
	go func() { closed <- l.consumer.Close() }()
	select {
	case err := <-closed:
		return err
	case <-time.After(closeLimit):
		l.cfg.Log.Warn("Kafka's client does not end; it is left as it is")
		return nil
	}
}

// leave serves what is to be told of partitions before the consumer is closed: librdkafka may wait forever for an assignment
// that comes while it closes (its issue 4884).
func (l *Log) leave() {
	if err := l.consumer.Unsubscribe(); err != nil {
		return // Close tells
	}
	for end := time.Now().Add(closeLimit); time.Now().Before(end); {
		start := time.Now()
		event := l.consumer.Poll(int(pollStep.Milliseconds()))
		quiet := event == nil && time.Since(start) >= pollStep/2 // not one that told of partitions
		if assigned, err := l.consumer.Assignment(); err != nil || quiet && len(assigned) == 0 {
			return
		}
	}
}

// rebalanced notes what is taken away, and drops at once what was read of it: whoever has the partition next reads it
// again, and that may be this member. librdkafka does the rest.
func (l *Log) rebalanced(_ *kafka.Consumer, e kafka.Event) error {
	switch e := e.(type) {
	case kafka.AssignedPartitions:
		l.cfg.Log.Info("partitions assigned", "topic", l.cfg.Topic, "partitions", numbers(e.Partitions))
		l.paused = true // librdkafka keeps the pause of a partition that was taken away; the next poll ends it
	case kafka.RevokedPartitions:
		l.cfg.Log.Info("partitions taken away", "topic", l.cfg.Topic, "partitions", numbers(e.Partitions))
		for _, p := range e.Partitions {
			l.polls.take(p.Partition)
			l.marks.forget(p.Partition)
			delete(l.places, p.Partition)
			l.ahead = slices.DeleteFunc(l.ahead, func(m classify.Message) bool { return m.Partition == p.Partition })
		}
	}
	return nil
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

// pollBytes bounds what a transaction holds in memory, however large the messages are.
const pollBytes = 8 << 20

// Poll implements classify.Log.
func (l *Log) Poll(ctx context.Context, limit int, wait time.Duration) ([]classify.Message, error) {
	if err := l.ready(ctx); err != nil {
		return nil, err
	}
	var end time.Time // when the first message has waited long enough
	size, step := 0, time.Duration(0)
	for len(l.ahead) < limit && size < pollBytes && ctx.Err() == nil {
		read, err := l.next(ctx, step)
		switch {
		case err != nil:
			return nil, err
		case read:
			size += len(l.ahead[len(l.ahead)-1].Value)
			step = 0 // many are mostly there at once, and time is not asked for each of them
			continue
		case step == pollStep && len(l.ahead) == 0:
			return nil, nil
		case len(l.ahead) > 0 && end.IsZero():
			end = time.Now().Add(wait)
		}
		if step = pollStep; len(l.ahead) > 0 {
			if step = min(step, time.Until(end)); step <= 0 {
				break
			}
		}
	}
	number, ok := l.polls.handOut()
	if !ok { // a transaction was given up meanwhile
		return nil, nil
	}
	messages := l.ahead
	l.ahead = make([]classify.Message, 0, len(messages)) // the next poll mostly gives as many
	for i := range messages {
		messages[i].Poll = number
	}
	if len(messages) > 0 {
		l.step(ctx, "polled", len(messages))
	}
	return messages, nil
}

// ready has the consumer stand where the next poll must begin.
func (l *Log) ready(ctx context.Context) error {
	if l.polls.goBack() {
		if err := l.rewind(ctx); err != nil {
			return l.cfg.away(err)
		}
	}
	if l.paused {
		return l.resume()
	}
	return nil
}

// next waits for one message and appends it to those read ahead; false when there is none yet. A wait of zero only takes
// what is there. A broker that is away is no error: librdkafka connects again.
func (l *Log) next(ctx context.Context, wait time.Duration) (read bool, err error) {
	switch e := l.consumer.Poll(int((wait + time.Millisecond - 1).Milliseconds())).(type) {
	case *kafka.Message:
		l.marks.sawMessage(e.TopicPartition.Partition, int64(e.TopicPartition.Offset))
		p, err := l.place(ctx, e.TopicPartition.Partition)
		if err != nil || p == nil {
			return false, err
		}
		l.ahead = append(l.ahead, p.received(e, l.cfg.Now))
		return true, nil
	case kafka.PartitionEOF:
		l.marks.sawEnd(e.Partition, int64(e.Offset))
	case kafka.Error:
		if e.IsFatal() || e.Code() == kafka.ErrUnknownTopicOrPart || e.Code() == kafka.ErrTopicAuthorizationFailed {
			return false, l.cfg.away(fmt.Errorf("%s: %w", l.cfg.Topic, e))
		}
		l.warn(e.Error())
	}
	return false, nil
}

// warnEvery is how often the same trouble is told: librdkafka tells it many times a second.
const warnEvery = 10 * time.Second

func (l *Log) warn(text string) {
	if text == l.warning && time.Since(l.warned) < warnEvery {
		return
	}
	l.warning, l.warned = text, time.Now()
	l.cfg.Log.Warn("Kafka", "error", text)
}

// KeepAlive implements classify.Log: it polls with the partitions paused.
func (l *Log) KeepAlive(ctx context.Context) error {
	assigned, err := l.consumer.Assignment()
	if err != nil {
		return l.cfg.away(err)
	}
	if err := l.consumer.Pause(assigned); err != nil {
		return l.cfg.away(err)
	}
	l.paused = true
	_, err = l.next(ctx, time.Millisecond) // it reads of a partition that was assigned just now
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
