package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/stream/pipeline"
)

// SessionConfig says what a member of a consumer group reads, and by which name it writes.
type SessionConfig struct {
	Config
	Topic string
	Group string
	Now   func() time.Time // the clock; nil for the system's
	// Instance is stable over restarts, and of this member alone: Kafka keeps its partitions for it over a restart, and a
	// new process of the same name takes over from the old one, whose Poll and Commit then say so with exit code 64.
	Instance string
	// Timeout is how long the broker waits for a heartbeat before it gives the partitions to others; 0 for
	// DefaultSessionTimeout.
	Timeout time.Duration
}

// Session is a member of a consumer group that writes in transactions; it implements pipeline.Session. One goroutine
// polls, and one may commit meanwhile. Files: session.go (start, end, rebalances), poll.go, positions.go, skip.go and
// gaps.go (how far each partition is read), epoch.go (which messages may be committed), transaction.go and abort.go,
// member.go (its name) and fenced.go (another process has it).
type Session struct {
	cfg       SessionConfig
	consumer  *kafka.Consumer
	admin     *kafka.AdminClient
	producer  *kafka.Producer
	epoch     epoch
	positions positions
	buffer    []pipeline.Message   // read, and not handed out yet
	jumps     int                  // in buffer, not confirmed yet
	revoked   []pipeline.Partition // the runner does not know yet
	paused    bool                 // some partitions may be
	writing   bool                 // the producer is open; of the goroutine that polls
	backoff   *backoff
	limits    limits
	report    *reporter
	client    string // the client.id of this process
}

// OpenSession makes the clients. The first polls join the group; once there are partitions, what a former process of
// the same instance left open is ended.
func OpenSession(_ context.Context, cfg SessionConfig) (*Session, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultSessionTimeout
	}
	s := &Session{cfg: cfg, positions: positions{all: map[int32]*position{}}, backoff: newBackoff(), limits: defaultLimits,
		report: newReporter(&cfg.Config), client: clientID(cfg.Instance)}
	var err error
	if s.consumer, err = kafka.NewConsumer(cfg.with(s.report, kafka.ConfigMap{
		"group.id": cfg.Group, "group.instance.id": cfg.Instance, "client.id": s.client, "enable.auto.commit": false,
		"auto.offset.reset": "earliest", "isolation.level": "read_committed", "enable.partition.eof": true,
		// Not cooperative: a static member that is killed between the two rebalances of an assignment is given its place back
		// without the second, and partitions stay without an owner. Static members that restart cause no rebalance anyway.
		"partition.assignment.strategy": "range", "session.timeout.ms": int(cfg.Timeout.Milliseconds()),
		"heartbeat.interval.ms": int(min(3*time.Second, cfg.Timeout/3).Milliseconds()),
		// A member that hangs holds its partitions so long, and so long a member waits for the broker's answer to its
		// joining: it polls far more often, also while it works.
		"max.poll.interval.ms": int(max(maxPollInterval, cfg.Timeout).Milliseconds()),
		// At its default of a second, a backlog drains several times slower: librdkafka pauses whenever its queue is full. A
		// longer queue is no quicker, and takes memory with every backlog.
		"fetch.queue.backoff.ms": 5, "queued.max.messages.kbytes": 8 << 10,
		// Else the broker answers once for every few messages that come in: at 5,000 a second in small requests a member and
		// the broker took a quarter more of the processors. A message waits 50 ms longer at the most.
		"fetch.min.bytes": 64 << 10, "fetch.wait.max.ms": 50,
	})); err != nil {
		s.report.close()
		return nil, cfg.refused(err)
	}
	if s.admin, err = kafka.NewAdminClientFromConsumer(s.consumer); err != nil {
		return nil, errors.Join(cfg.unavailable(err), s.Close())
	}
	if err := s.consumer.Subscribe(cfg.Topic, s.rebalanced); err != nil {
		return nil, errors.Join(cfg.unavailable(err), s.Close())
	}
	return s, nil
}

// maxPollInterval is how long a member may go without polling.
const maxPollInterval = 30 * time.Second

// closeLimit bounds each part of Close.
const closeLimit = 5 * time.Second

// Close ends the member. What is not committed comes again. Its place in the group is kept for Timeout: a member of the
// same name that comes back until then has its partitions again at once.
func (s *Session) Close() error {
	if s.producer != nil {
		s.producer.Close()
	}
	s.serveRebalance()
	closed, consumer := make(chan error, 1), s.consumer // it may outlive this call
	go func() {
		closed <- consumer.Close()
		s.report.close()
	}()
	select {
	case err := <-closed:
		return err
	case <-time.After(closeLimit):
		s.cfg.Log.Warn("Kafka's client does not end; it is left as it is")
		return nil
	}
}

// serveRebalance serves callbacks of a rebalance before the consumer is closed: librdkafka may wait forever for an
// assignment that comes while it closes (its issue 4884). To unsubscribe would give up the member's place in the group.
func (s *Session) serveRebalance() {
	for end := time.Now().Add(closeLimit); time.Now().Before(end); {
		start := time.Now()
		if e := s.consumer.Poll(int(pollStep.Milliseconds())); e == nil && time.Since(start) >= pollStep/2 {
			return // a quiet moment, and not a call that served a rebalance
		}
		if assigned, err := s.consumer.Assignment(); err != nil || s.consumer.Pause(assigned) != nil {
			return // no messages in between
		}
	}
}

// rebalanced is called by librdkafka, inside Poll of the consumer. Revoked partitions raise the epoch: whoever has them
// next reads again what is not committed, and that may be this member.
func (s *Session) rebalanced(_ *kafka.Consumer, e kafka.Event) error {
	switch e := e.(type) {
	case kafka.AssignedPartitions:
		s.cfg.Log.Info("partitions assigned", "topic", s.cfg.Topic, "partitions", numbers(e.Partitions))
		s.paused = true // librdkafka keeps the pause of a partition that was revoked; the next poll ends it
	case kafka.RevokedPartitions:
		s.cfg.Log.Info("partitions revoked", "topic", s.cfg.Topic, "partitions", numbers(e.Partitions))
		if len(e.Partitions) > 0 {
			s.epoch.raise()
		}
		for _, p := range e.Partitions {
			if s.positions.drop(p.Partition) {
				s.revoked = append(s.revoked, pipeline.Partition{Topic: s.cfg.Topic, Number: p.Partition})
			}
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
