package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/topics"
)

// Publisher writes messages for many callers at once, and tells each what became of its own. What one caller meets does not
// harm the others.
type Publisher struct {
	cfg      Config
	patience time.Duration
	report   *reporter

	mu      sync.RWMutex
	client  *kafka.Producer // nil after Close
	follows sync.WaitGroup
}

// NewPublisher makes a client; it connects with the first message. Patience is how long it tries to deliver one.
func NewPublisher(cfg Config, patience time.Duration) (*Publisher, error) {
	p := &Publisher{cfg: cfg, patience: patience, report: newReporter(&cfg)}
	if err := p.open(); err != nil {
		p.report.close()
		return nil, err
	}
	return p, nil
}

func (p *Publisher) open() error {
	client, err := kafka.NewProducer(p.cfg.with(p.report, kafka.ConfigMap{"enable.idempotence": true, "linger.ms": 3,
		"compression.type": "lz4", "queue.buffering.max.messages": 1_000_000, "delivery.timeout.ms": int(p.patience.Milliseconds()),
		"allow.auto.create.topics": false, "go.delivery.report.fields": "none", "go.events.channel.size": 10_000,
		"go.produce.channel.size": 0}))
	if err != nil {
		return p.cfg.refused(err)
	}
	p.client = client
	p.follows.Go(func() { p.follow(client) })
	return nil
}

// Delivery is what becomes of the messages that were published together.
type Delivery struct {
	mu   sync.Mutex
	left int
	errs []error // by index; nil for one that is acknowledged, or not yet
	open []bool  // by index: not settled
	done chan struct{}
}

// ticket is one message of a delivery.
type ticket struct {
	of    *Delivery
	index int
}

// Errors waits until all is settled, or the context ends: what is not settled then has its error. The index is that of the
// record; nil says that the broker has it.
func (d *Delivery) Errors(ctx context.Context) []error {
	select {
	case <-d.done:
		return d.errs
	case <-ctx.Done():
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	errs := make([]error, len(d.errs)) // what comes later changes nothing of it
	for i := range errs {
		if errs[i] = d.errs[i]; d.open[i] {
			errs[i] = fmt.Errorf("not acknowledged in time: %w", context.Cause(ctx))
		}
	}
	return errs
}

func (d *Delivery) settle(index int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.open[index] {
		return
	}
	d.open[index], d.errs[index] = false, err
	if d.left--; d.left == 0 {
		close(d.done)
	}
}

// Publish hands messages over, in their order, without waiting for the broker. The records are not used after it returns.
func (p *Publisher) Publish(records []pipeline.Record) *Delivery {
	d := &Delivery{left: len(records), errs: make([]error, len(records)), open: make([]bool, len(records)), done: make(chan struct{})}
	if len(records) == 0 {
		close(d.done)
		return d
	}
	tickets := make([]ticket, len(records))
	for i := range records {
		tickets[i], d.open[i] = ticket{d, i}, true
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	var m kafka.Message // librdkafka copies all of it
	for i := range records {
		r := &records[i]
		m.TopicPartition = kafka.TopicPartition{Topic: &r.Topic, Partition: kafka.PartitionAny}
		m.Key, m.Value, m.Opaque, m.Headers = r.Key, r.Value, &tickets[i], m.Headers[:0]
		for _, h := range r.Headers {
			m.Headers = append(m.Headers, kafka.Header{Key: h.Name, Value: h.Value})
		}
		err := errClosed
		if p.client != nil {
			err = p.client.Produce(&m, nil)
		}
		if err != nil {
			d.settle(i, p.explain(err))
		}
	}
	return d
}

var errClosed = errors.New("the client is closed")

// follow looks at what became of each message, until the client is closed.
func (p *Publisher) follow(client *kafka.Producer) {
	for e := range client.Events() {
		switch e := e.(type) {
		case *kafka.Message:
			if t, ok := e.Opaque.(*ticket); ok {
				var err error
				if e.TopicPartition.Error != nil {
					err = p.explain(e.TopicPartition.Error)
				}
				t.of.settle(t.index, err)
			}
		case kafka.Error:
			p.report.trouble(context.Background(), e)
			if e.IsFatal() {
				p.follows.Go(func() { p.replace(client) })
			}
		}
	}
}

// replace takes a new client for one that can do nothing more. Its messages are refused.
func (p *Publisher) replace(broken *kafka.Producer) {
	p.mu.Lock()
	if p.client != broken {
		p.mu.Unlock()
		return
	}
	err := p.open()
	if err != nil { // it opened before, with the same settings
		p.client = nil
	}
	p.mu.Unlock()
	if err != nil {
		p.report.log.Error("Kafka: no client can be made", "error", err)
	}
	p.end(broken, 0)
}

// explain gives a refusal its exit code: a message that is too large stays so, whatever is tried.
func (p *Publisher) explain(err error) error {
	switch code(err) {
	case kafka.ErrMsgSizeTooLarge, kafka.ErrInvalidMsgSize:
		return fault.Fail(fault.ExitData, err)
	}
	return fault.Fail(fault.ExitTryAgain, p.cfg.Settings.redacted(err))
}

// checkTime bounds one question.
const checkTime = 2 * time.Second

// Check asks the broker for topics: an error says that it does not answer, or has not all of them.
func (p *Publisher) Check(ctx context.Context, names ...string) error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.client == nil {
		return errClosed
	}
	wait := checkTime // the lock is held: a client that is to be replaced waits for it
	if end, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(end))
	}
	meta, err := p.client.GetMetadata(nil, true, max(1, int(wait.Milliseconds())))
	if err != nil {
		return p.cfg.unavailable(err)
	}
	for _, name := range names {
		if t, ok := meta.Topics[name]; !ok || len(t.Partitions) == 0 {
			return fault.Failf(fault.ExitUnavailable, "%s: %w", name, topics.ErrMissing)
		}
	}
	return nil
}

// Close delivers what was handed over, as long as the context lasts, and drops the rest.
func (p *Publisher) Close(ctx context.Context) {
	p.mu.Lock()
	client := p.client
	p.client = nil
	p.mu.Unlock()
	wait := p.patience
	if end, ok := ctx.Deadline(); ok {
		wait = time.Until(end)
	}
	if client != nil {
		p.end(client, wait)
	}
	p.follows.Wait()
	p.report.close()
}

// end closes a client; its messages are settled before.
func (p *Publisher) end(client *kafka.Producer, wait time.Duration) {
	client.Flush(max(0, int(wait.Milliseconds())))
	_ = client.Purge(kafka.PurgeInFlight | kafka.PurgeQueue) // what it says is said of each message
	client.Flush(int(pollStep.Milliseconds()))
	client.Close()
}
