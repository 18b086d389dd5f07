package kafka

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/stream/pipeline"
)

// Producer sends messages, each exactly once as long as it lives; it implements produce.Sink and dlq.Sink.
type Producer struct {
	cfg          Config
	client       *kafka.Producer
	report       *reporter
	sent         atomic.Int64 // handed to librdkafka
	settled      atomic.Int64 // of those, acknowledged or refused
	acknowledged atomic.Int64
	mu           sync.Mutex
	failed       error // of the first message that is not delivered
}

// NewProducer makes a client; it connects with the first message.
func NewProducer(cfg Config) (*Producer, error) {
	report := newReporter(&cfg)
	client, err := kafka.NewProducer(cfg.with(report, kafka.ConfigMap{"enable.idempotence": true, "linger.ms": 5,
		"compression.type": "lz4", "queue.buffering.max.messages": 100_000, "delivery.timeout.ms": 120_000,
		"go.events.channel.size": 100_000, "go.produce.channel.size": 0}))
	if err != nil {
		report.close()
		return nil, cfg.refused(err)
	}
	p := &Producer{cfg: cfg, client: client, report: report}
	go p.follow()
	return p, nil
}

// follow looks at what became of each message, until the client is closed.
func (p *Producer) follow() {
	for e := range p.client.Events() {
		switch e := e.(type) {
		case *kafka.Message:
			if e.TopicPartition.Error != nil {
				p.fail(p.explain(*e.TopicPartition.Topic, e.TopicPartition.Error))
			} else {
				p.acknowledged.Add(1)
			}
			p.settled.Add(1)
		case kafka.Error:
			if e.IsFatal() {
				p.fail(p.cfg.unavailable(e))
			} else {
				p.report.trouble(context.Background(), e)
			}
		}
	}
}

// explain gives a refusal its exit code: a message that is too large stays so, whatever is tried.
func (p *Producer) explain(topic string, err error) error {
	switch code(err) {
	case kafka.ErrMsgSizeTooLarge, kafka.ErrInvalidMsgSize:
		return fault.WithHint(fault.Failf(fault.ExitData, "Kafka takes no message of this size in %s: %w", topic, err),
			"make the row shorter; the limits are message.max.bytes of the client and max.message.bytes of the topic")
	case kafka.ErrMsgTimedOut, kafka.ErrTransport, kafka.ErrAllBrokersDown, kafka.ErrTimedOut:
		return fault.Fail(fault.ExitTryAgain, p.cfg.unavailable(err))
	}
	return p.cfg.unavailable(err)
}

func (p *Producer) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil {
		p.failed = err
	}
}

func (p *Producer) err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

// Send implements produce.Sink and dlq.Sink. It waits while the queue is full. The error of a message that is too large
// has exit code 65.
func (p *Producer) Send(ctx context.Context, r pipeline.Record) error {
	produced := kafka.Header{Key: pipeline.HeaderTime, Value: strconv.AppendInt(nil, time.Now().UnixMicro(), 10)}
	m := &kafka.Message{TopicPartition: kafka.TopicPartition{Topic: &r.Topic, Partition: kafka.PartitionAny}, Key: r.Key,
		Value: r.Value, Headers: append(pack(r.Headers), produced)}
	for {
		if err := errors.Join(p.err(), ctx.Err()); err != nil {
			return err
		}
		err := p.client.Produce(m, nil)
		if err == nil {
			p.sent.Add(1)
			return nil
		}
		if code(err) != kafka.ErrQueueFull {
			return p.explain(r.Topic, err)
		}
		p.client.Flush(int(pollStep.Milliseconds()))
	}
}

// Flush implements produce.Sink.
func (p *Producer) Flush(ctx context.Context) error {
	for p.client.Flush(int(pollStep.Milliseconds())) > 0 || p.settled.Load() < p.sent.Load() {
		if err := errors.Join(p.err(), ctx.Err()); err != nil {
			return err
		}
	}
	return p.err()
}

// Acknowledged implements produce.Sink.
func (p *Producer) Acknowledged() int64 { return p.acknowledged.Load() }

// Close drops what is not flushed.
func (p *Producer) Close() {
	p.client.Close()
	p.report.close()
}
