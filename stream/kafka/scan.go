package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/pipeline"
)

// Scanner reads what is committed in partitions of a topic now. It is a member of no group and commits nothing. It is
// for one goroutine.
type Scanner struct {
	cfg    Config
	topic  string
	admin  *kafka.AdminClient
	reader *kafka.Consumer
	report *reporter
}

// OpenScanner makes the clients; they connect later.
func OpenScanner(cfg Config, topic string) (*Scanner, error) {
	return openScanner(cfg, topic, "txflow-scan")
}

func openScanner(cfg Config, topic, group string) (*Scanner, error) {
	report := newReporter(&cfg)
	reader, err := kafka.NewConsumer(cfg.with(report, kafka.ConfigMap{
		"group.id": group, "enable.auto.commit": false,
		"isolation.level": "read_committed", "enable.partition.eof": true, "auto.offset.reset": "earliest",
		// Much is read at once, in large pieces. Checksums were checked by the broker.
		"fetch.queue.backoff.ms": 1, "queued.max.messages.kbytes": 32 << 10, "fetch.message.max.bytes": 4 << 20}))
	if err != nil {
		report.close()
		return nil, cfg.refused(err)
	}
	s := &Scanner{cfg: cfg, topic: topic, reader: reader, report: report}
	if s.admin, err = kafka.NewAdminClientFromConsumer(reader); err != nil {
		return nil, errors.Join(cfg.unavailable(err), s.Close())
	}
	return s, nil
}

// Close ends the clients.
func (s *Scanner) Close() error {
	if s.admin != nil {
		s.admin.Close()
	}
	defer s.report.close()
	return s.reader.Close()
}

// Span is a part of a partition, from the first offset to before the end.
type Span struct{ From, End int64 }

// Spans finds what partitions hold: from the first message of a time on (the zero time: from the first that is there)
// to after the last that was written, committed or not. The error has exit code 69 when a partition does not exist. It
// waits for a broker that does not answer.
func (s *Scanner) Spans(ctx context.Context, since map[int32]time.Time) (spans map[int32]Span, err error) {
	err = s.retry(ctx, func(ctx context.Context) error {
		spans, err = s.spans(ctx, since)
		return err
	})
	return spans, err
}

func (s *Scanner) spans(ctx context.Context, since map[int32]time.Time) (map[int32]Span, error) {
	if err := s.exist(ctx, since); err != nil {
		return nil, err
	}
	begin, end := map[kafka.TopicPartition]kafka.OffsetSpec{}, map[kafka.TopicPartition]kafka.OffsetSpec{}
	for number, at := range since {
		p := kafka.TopicPartition{Topic: &s.topic, Partition: number}
		if begin[p], end[p] = kafka.EarliestOffsetSpec, kafka.LatestOffsetSpec; !at.IsZero() {
			begin[p] = kafka.NewOffsetSpecForTimestamp(at.UnixMilli())
		}
	}
	spans := map[int32]Span{}
	for i, ask := range []map[kafka.TopicPartition]kafka.OffsetSpec{begin, end} {
		answer, err := s.admin.ListOffsets(ctx, ask, kafka.SetAdminIsolationLevel(kafka.IsolationLevelReadUncommitted),
			kafka.SetAdminRequestTimeout(tryTime))
		if err != nil {
			return nil, err
		}
		for p, info := range answer.ResultInfos {
			if info.Error.Code() != kafka.ErrNoError {
				return nil, info.Error
			}
			span := spans[p.Partition]
			if i == 1 {
				if span.End = int64(info.Offset); span.From < 0 { // no message is of that time or later
					span.From = span.End
				}
			} else {
				span.From = int64(info.Offset)
			}
			spans[p.Partition] = span
		}
	}
	return spans, nil
}

// exist is an error for partitions that the topic does not have.
func (s *Scanner) exist(ctx context.Context, partitions map[int32]time.Time) error {
	meta, err := s.reader.GetMetadata(&s.topic, false, int(untilOf(ctx).Milliseconds()))
	if err != nil {
		return err
	}
	have := len(meta.Topics[s.topic].Partitions)
	for number := range partitions {
		if int(number) >= have {
			return fault.WithHint(fault.Failf(fault.ExitUnavailable, "%s has %d partitions: there is no partition %d", s.topic,
				have, number),
				"make the topics with txflow topics apply: %s must have as many partitions as the topic that it is made of",
				s.topic)
		}
	}
	return nil
}

// retry does a step again as long as the broker does not answer.
func (s *Scanner) retry(ctx context.Context, step func(context.Context) error) error {
	for {
		tryCtx, cancel := context.WithTimeout(ctx, tryTime)
		err := step(tryCtx)
		cancel()
		switch {
		case err == nil || fault.ExitCode(err) == fault.ExitUnavailable:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case !transient(err) && !topicMissing(err):
			return s.cfg.unavailable(err)
		}
		s.report.trouble(ctx, err, "topic", s.topic)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollStep):
		}
	}
}

// Topic is a topic that is read now and then; it has clients only meanwhile.
type Topic struct {
	Config
	Name string
}

// Read scans what partitions hold now, from a time on.
func (t Topic) Read(ctx context.Context, since map[int32]time.Time, visit func(*pipeline.Message) error) error {
	s, err := OpenScanner(t.Config, t.Name)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // it only read
	return s.Read(ctx, since, visit)
}

// ReadAll scans what all partitions hold now. The error has exit code 69 when there is no such topic.
func (t Topic) ReadAll(ctx context.Context, visit func(*pipeline.Message) error) error {
	s, err := OpenScanner(t.Config, t.Name)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // it only read
	all := map[int32]time.Time{}
	err = s.retry(ctx, func(ctx context.Context) error {
		meta, err := s.reader.GetMetadata(&t.Name, false, int(untilOf(ctx).Milliseconds()))
		if err != nil {
			return err
		}
		for _, p := range meta.Topics[t.Name].Partitions {
			all[p.ID] = time.Time{}
		}
		if len(all) == 0 {
			return fault.WithHint(fault.Failf(fault.ExitUnavailable, "Kafka at %s has no topic %s", t.Brokers, t.Name),
				"make it with txflow topics apply")
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.Read(ctx, all, visit)
}

// Read scans what partitions hold now, from a time on.
func (s *Scanner) Read(ctx context.Context, since map[int32]time.Time, visit func(*pipeline.Message) error) error {
	spans, err := s.Spans(ctx, since)
	if err != nil {
		return err
	}
	return s.Scan(ctx, spans, visit)
}

// Scan reads the spans, each in its order, and visits the messages of transactions that are committed; transactions
// that are open are waited for. The message and its headers are valid until visit returns; key and value stay valid. It
// waits for a broker that does not answer.
func (s *Scanner) Scan(ctx context.Context, spans map[int32]Span, visit func(*pipeline.Message) error) error {
	var assign []kafka.TopicPartition
	left := map[int32]int64{}
	for number, span := range spans {
		if span.From < span.End {
			assign = append(assign, kafka.TopicPartition{Topic: &s.topic, Partition: number, Offset: kafka.Offset(span.From)})
			left[number] = span.End
		}
	}
	err := s.reader.Assign(assign)
	if err == nil {
		err = s.reader.Resume(assign) // librdkafka remembers which partitions were paused
	}
	if err != nil {
		return s.cfg.unavailable(err)
	}
	defer func() { _ = s.reader.Unassign() }() // it fails for a client that is of no more use
	var m pipeline.Message
	for len(left) > 0 {
		switch e := s.reader.Poll(int(pollStep.Milliseconds())).(type) {
		case *kafka.Message:
			number, offset := e.TopicPartition.Partition, int64(e.TopicPartition.Offset)
			end, ok := left[number]
			if !ok {
				continue
			}
			if offset < end {
				m = pipeline.Message{Topic: s.topic, Partition: number, Offset: offset, Key: e.Key, Value: e.Value,
					Time: e.Timestamp, Headers: m.Headers[:0]}
				for i := range e.Headers {
					m.Headers = append(m.Headers, pipeline.Header{Name: e.Headers[i].Key, Value: e.Headers[i].Value})
				}
				if err := visit(&m); err != nil {
					return err
				}
			}
			if offset+1 >= end {
				s.done(left, number)
			}
		case kafka.PartitionEOF:
			if end, ok := left[e.Partition]; ok && int64(e.Offset) >= end {
				s.done(left, e.Partition)
			}
		case kafka.Error:
			if e.IsFatal() || e.Code() == kafka.ErrTopicAuthorizationFailed {
				return s.cfg.unavailable(fmt.Errorf("%s: %w", s.topic, e))
			}
			s.report.trouble(ctx, e, "topic", s.topic)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// done reads no more of a partition.
func (s *Scanner) done(left map[int32]int64, number int32) {
	delete(left, number)
	_ = s.reader.Pause([]kafka.TopicPartition{{Topic: &s.topic, Partition: number}}) // it only saves work
}
