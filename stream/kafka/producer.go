package kafka

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/stream/message"
)

// Producer sends messages to one topic, each exactly once as long as it lives; it implements produce.Sink and dlq.Sink.
type Producer struct {
	cfg    Config
	topic  string
	client *kafka.Producer
	mu     sync.Mutex
	failed error // the first message that the broker refused
}

// NewProducer makes a client; it connects with the first message.
func NewProducer(cfg Config, topic string) (*Producer, error) {
	client, err := kafka.NewProducer(cfg.with(kafka.ConfigMap{"enable.idempotence": true, "linger.ms": 5, "compression.type": "lz4",
		"queue.buffering.max.messages": 100_000, "delivery.timeout.ms": 120_000}))
	if err != nil {
		return nil, cfg.away(err)
	}
	p := &Producer{cfg: cfg, topic: topic, client: client}
	go p.reports()
	return p, nil
}

// reports looks at what became of each message.
func (p *Producer) reports() {
	for e := range p.client.Events() {
		switch e := e.(type) {
		case *kafka.Message:
			if e.TopicPartition.Error != nil {
				p.fail(e.TopicPartition.Error)
			}
		case kafka.Error:
			if e.IsFatal() {
				p.fail(e)
			} else {
				p.cfg.Log.Warn("Kafka does not answer, trying again", "error", e.Error())
			}
		}
	}
}

func (p *Producer) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil {
		p.failed = p.cfg.away(err)
	}
}

func (p *Producer) err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

// Send implements produce.Sink and dlq.Sink. It waits while the queue is full.
func (p *Producer) Send(ctx context.Context, key, value []byte, headers map[string]string) error {
	m := &kafka.Message{TopicPartition: kafka.TopicPartition{Topic: &p.topic, Partition: kafka.PartitionAny}, Key: key, Value: value,
		Headers: append(pack(headers), kafka.Header{Key: message.HeaderTime, Value: strconv.AppendInt(nil, time.Now().UnixMicro(), 10)})}
	for {
		err := p.client.Produce(m, nil)
		if err == nil {
			return nil
		}
		if code(err) != kafka.ErrQueueFull {
			return p.cfg.away(err)
		}
		if err := errors.Join(p.err(), ctx.Err()); err != nil {
			return err
		}
		p.client.Flush(int(pollStep.Milliseconds()))
	}
}

// Flush implements produce.Sink.
func (p *Producer) Flush(ctx context.Context) error {
	for p.client.Flush(int(pollStep.Milliseconds())) > 0 {
		if err := errors.Join(p.err(), ctx.Err()); err != nil {
			return err
		}
	}
	if err := p.err(); err != nil {
		return batch.Fail(batch.ExitTryAgain, err)
	}
	return nil
}

// Close drops what is not flushed.
func (p *Producer) Close() { p.client.Close() }
