package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/internal/failpoint"
	"github.com/txflow/txflow/stream/transactions/classify"
)

// LogConfig says what a member of a group reads, and as whom it writes.
type LogConfig struct {
	Config
	Topic string
	Group string
	Now   func() time.Time // the clock; nil for the system's
	// Instance is stable over restarts, and of this member alone: Kafka keeps its partitions for it over a restart, and a new
	// process of the same name takes over from the old one, whose Poll and Commit then say so with exit code 64.
	Instance string
	// Session is how long the broker waits for a sign of life before it gives the partitions to others; 0 for DefaultSession.
	Session time.Duration
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
	jumps    int                // in ahead, not confirmed yet
	places   map[int32]*place   // by partition, as far as it was read since it was assigned; of the goroutine that polls
	polls    *polls
	marks    *marks
	backoff  *backoff
	report   *reporter
	client   string // the client.id of this process
	writing  bool   // the producer is open; of the goroutine that polls
}

// OpenLog makes the clients. The first polls join the group; once there are partitions, what a former process of the same
// instance left open is ended.
func OpenLog(_ context.Context, cfg LogConfig) (*Log, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Session == 0 {
		cfg.Session = DefaultSession
	}
	l := &Log{cfg: cfg, polls: newPolls(), marks: newMarks(), places: map[int32]*place{}, backoff: newBackoff(),
		report: newReporter(&cfg.Config), client: clientID(cfg.Instance)}
	var err error
	if l.consumer, err = kafka.NewConsumer(cfg.with(l.report, kafka.ConfigMap{
		"group.id": cfg.Group, "group.instance.id": cfg.Instance, "client.id": l.client, "enable.auto.commit": false,
		"auto.offset.reset": "earliest", "isolation.level": "read_committed", "enable.partition.eof": true,
		// Not cooperative: a static member that is killed between the two rebalances of an assignment is given its place back
		// without the second, and partitions stay without an owner. Static members that restart cause no rebalance anyway.
		"partition.assignment.strategy": "range", "session.timeout.ms": int(cfg.Session.Milliseconds()),
		"heartbeat.interval.ms": int(min(3*time.Second, cfg.Session/3).Milliseconds()),
		// A member that hangs holds its partitions so long, and so long a member waits for the broker's answer to its joining: it
		// polls far more often, also while it works.
		"max.poll.interval.ms": int(max(maxPollInterval, cfg.Session).Milliseconds()),
		// At its default of a second, a backlog drains several times slower: librdkafka pauses whenever its queue is full. A
		// longer queue is no quicker, and takes memory with every backlog.
		"fetch.queue.backoff.ms": 5, "queued.max.messages.kbytes": 8 << 10,
	})); err != nil {
		l.report.close()
		return nil, cfg.refused(err)
	}
	if l.admin, err = kafka.NewAdminClientFromConsumer(l.consumer); err != nil {
		return nil, errors.Join(cfg.away(err), l.Close())
	}
	if err := l.consumer.Subscribe(cfg.Topic, l.rebalanced); err != nil {
		return nil, errors.Join(cfg.away(err), l.Close())
	}
	return l, nil
}

// maxPollInterval is how long a member may go without polling.
const maxPollInterval = 30 * time.Second

// closeLimit bounds each part of Close.
const closeLimit = 5 * time.Second

// Close ends the member. What is not committed comes again. Its place in the group is kept for Session: a member of the same
// name that comes back until then has its partitions again at once.
func (l *Log) Close() error {
	if l.producer != nil {
		l.producer.Close()
	}
	l.settle()
	closed := make(chan error, 1)
	go func() {
		closed <- l.consumer.Close()
		l.report.close()
	}()
	select {
	case err := <-closed:
		return err
	case <-time.After(closeLimit):
		l.cfg.Log.Warn("Kafka's client does not end; it is left as it is")
		return nil
	}
}

// settle serves what is to be told of partitions before the consumer is closed: librdkafka may wait forever for an assignment
// that comes while it closes (its issue 4884). To unsubscribe would give up the member's place in the group.
func (l *Log) settle() {
	for end := time.Now().Add(closeLimit); time.Now().Before(end); {
		start := time.Now()
		if e := l.consumer.Poll(int(pollStep.Milliseconds())); e == nil && time.Since(start) >= pollStep/2 {
			return // a quiet moment, and not a call that told of partitions
		}
		if assigned, err := l.consumer.Assignment(); err != nil || l.consumer.Pause(assigned) != nil {
			return // no messages in between
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
	if _, left, _ := l.backoff.state(); left > 0 {
		return nil, l.hold(ctx, min(left, pollStep))
	}
	if err := l.ready(ctx); missing(err) {
		l.awaitTopic(ctx, err)
		return nil, nil
	} else if err != nil {
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
	if err := l.confirm(ctx); err != nil {
		return nil, err
	}
	if len(l.ahead) > 0 {
		if err := l.startWriting(ctx); err != nil {
			return nil, err
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
		l.step(ctx, failpoint.Polled, len(messages))
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
		if err := l.resume(); err != nil {
			return err
		}
	}
	if assigned, err := l.consumer.Assignment(); err != nil || len(assigned) == 0 {
		return err
	}
	return l.startWriting(ctx)
}

// startWriting opens the producer, once. The group comes first: with the name of this member there, nothing that a former process
// of it does later counts.
func (l *Log) startWriting(ctx context.Context) error {
	if l.writing {
		return nil
	}
	if err := l.openProducer(ctx); err != nil {
		return err
	}
	l.writing = true
	l.tookOver(ctx)
	return nil
}

// next waits for one message and appends it to those read ahead; false when there is none yet. A wait of zero only takes
// what is there. A broker that is away is no error: librdkafka connects again.
func (l *Log) next(ctx context.Context, wait time.Duration) (read bool, err error) {
	switch e := l.consumer.Poll(int((wait + time.Millisecond - 1).Milliseconds())).(type) {
	case *kafka.Message:
		l.marks.sawMessage(e.TopicPartition.Partition, int64(e.TopicPartition.Offset))
		p, err := l.place(ctx, e.TopicPartition.Partition)
		if missing(err) {
			l.awaitTopic(ctx, err)
			return false, nil
		}
		if err != nil || p == nil {
			return false, err
		}
		l.jump(e.TopicPartition.Partition, p, int64(e.TopicPartition.Offset))
		l.ahead = append(l.ahead, p.received(e, l.cfg.Now))
		return true, nil
	case kafka.PartitionEOF:
		l.marks.sawEnd(e.Partition, int64(e.Offset))
		p, err := l.place(ctx, e.Partition)
		if missing(err) {
			l.awaitTopic(ctx, err)
			return false, nil
		}
		if err != nil || p == nil {
			return false, err
		}
		l.jump(e.Partition, p, int64(e.Offset))
	case kafka.Error:
		switch {
		case fencedOut(e):
			return false, l.fencedError(ctx, e)
		case e.IsFatal() || e.Code() == kafka.ErrTopicAuthorizationFailed:
			return false, l.cfg.away(fmt.Errorf("%s: %w", l.cfg.Topic, e))
		}
		var trouble error = e
		if e.Code() == kafka.ErrInconsistentGroupProtocol {
			trouble = fmt.Errorf("members of an older release are in the group; this one joins when they have ended: %w", e)
		}
		l.report.trouble(ctx, trouble, "topic", l.cfg.Topic)
	}
	return false, nil
}

// missing tells of an error whether a topic is not there (yet).
func missing(err error) bool {
	return code(err) == kafka.ErrUnknownTopicOrPart || code(err) == kafka.ErrUnknownTopic
}

// awaitTopic has the next poll go back to what is committed: the topic is deleted, or the broker does not know it yet.
func (l *Log) awaitTopic(ctx context.Context, err error) {
	l.report.trouble(ctx, err, "topic", l.cfg.Topic)
	l.backoff.aborted(err)
	l.polls.giveUp()
}

// KeepAlive implements classify.Log: it polls with the partitions paused.
func (l *Log) KeepAlive(ctx context.Context) error { return l.hold(ctx, time.Millisecond) }

// hold polls for so long with the partitions paused.
func (l *Log) hold(ctx context.Context, wait time.Duration) error {
	assigned, err := l.consumer.Assignment()
	if err != nil {
		return l.cfg.away(err)
	}
	if err := l.consumer.Pause(assigned); err != nil {
		return l.cfg.away(err)
	}
	l.paused = true
	_, err = l.next(ctx, wait) // it reads of a partition that was assigned just now
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
