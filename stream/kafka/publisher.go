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

// Publisher writes messages for many callers at once, and reports to each what became of its own. A failure of one
// caller's does not harm the others.
type Publisher struct {
	cfg      Config
	patience time.Duration
	report   *reporter

	queue   queue
	handing chan struct{} // closed when nothing more is handed over

	mu      sync.RWMutex
	client  *kafka.Producer // nil after Close
	follows sync.WaitGroup
}

// NewPublisher makes a client; it connects with the first message. Patience is how long it tries to deliver one.
func NewPublisher(cfg Config, patience time.Duration) (*Publisher, error) {
	p := &Publisher{cfg: cfg, patience: patience, report: newReporter(&cfg), handing: make(chan struct{}),
		queue: queue{wake: make(chan struct{}, 1)}}
	if err := p.open(); err != nil {
		p.report.close()
		return nil, err
	}
	go func() {
		defer close(p.handing)
		p.handOver()
	}()
	return p, nil
}

func (p *Publisher) open() error {
	client, err := kafka.NewProducer(p.cfg.with(p.report, kafka.ConfigMap{"enable.idempotence": true,
		"linger.ms": lingerTime, "compression.type": "lz4", "queue.buffering.max.messages": 1_000_000,
		"delivery.timeout.ms":      int(p.patience.Milliseconds()),
		"allow.auto.create.topics": false, "go.delivery.report.fields": "none", "go.events.channel.size": 10_000,
		"go.produce.channel.size": 0}))
	if err != nil {
		return p.cfg.refused(err)
	}
	p.client = client
	p.follows.Go(func() { p.follow(client) })
	return nil
}

// delivery is what becomes of the messages that were published together.
type delivery struct {
	records []pipeline.Record
	since   time.Time // it waits to be handed over
	group   *group

	handing   sync.Mutex // held while it is handed over
	abandoned bool       // nobody waits any more: it is not handed over

	mu   sync.Mutex
	left int // messages that are not settled
	errs []error
	open []bool // its caller does not know what became of it
	done chan struct{}
}

// ticket is one message of a delivery.
type ticket struct {
	of    *delivery
	index int
}

// settle is called once for each message.
func (t *ticket) settle(err error) {
	d := t.of
	d.mu.Lock()
	if d.open[t.index] {
		d.open[t.index], d.errs[t.index] = false, err
	}
	d.left--
	last := d.left == 0
	d.mu.Unlock()
	if last {
		close(d.done)
		d.group.done()
	}
}

// wait returns when all is settled, or the context ends: what is open then gets its error, whatever comes later.
func (d *delivery) wait(ctx context.Context) []error {
	select {
	case <-d.done:
	case <-ctx.Done():
		d.handing.Lock() // its records are the caller's again
		d.abandoned = true
		d.handing.Unlock()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.errs {
		if d.open[i] {
			d.open[i], d.errs[i] = false, fault.Fail(fault.ExitTryAgain, fmt.Errorf("not acknowledged in time: %w",
				context.Cause(ctx)))
		}
	}
	return d.errs
}

// Publish hands messages over, in their order, and waits until the broker has acknowledged or refused each, or the
// context ends. It returns an error for each record; nil says that the broker has it. One with exit code 65 fails
// whenever it is tried again. The records are not used after it returns.
func (p *Publisher) Publish(ctx context.Context, records []pipeline.Record) []error {
	if len(records) == 0 {
		return nil
	}
	d := &delivery{records: records, left: len(records), errs: make([]error, len(records)),
		open: make([]bool, len(records)), done: make(chan struct{})}
	for i := range d.open {
		d.open[i] = true
	}
	if !p.queue.add(d) {
		for i := range d.errs {
			d.errs[i] = p.explain(errClosed)
		}
		return d.errs
	}
	return d.wait(ctx)
}

// send hands a delivery over to librdkafka. The lock of the client is held.
func (p *Publisher) send(d *delivery) {
	d.handing.Lock()
	defer d.handing.Unlock()
	if d.abandoned {
		d.group.done()
		return
	}
	tickets := make([]ticket, len(d.records))
	var m kafka.Message // librdkafka copies all of it
	for i := range d.records {
		r := &d.records[i]
		tickets[i] = ticket{d, i}
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
			tickets[i].settle(p.explain(err))
		}
	}
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
				t.settle(err)
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
	p.queue.close()
	<-p.handing
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
