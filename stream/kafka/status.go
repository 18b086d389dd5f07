package kafka

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/stream/status"
)

// Status looks at consumer groups. It is a member of none and commits nothing. It is for one goroutine.
type Status struct {
	cfg    Config
	admin  *kafka.AdminClient
	reader *kafka.Consumer // of the messages that wait, for their times
	report *reporter
}

// OpenStatus makes the clients; they connect later.
func OpenStatus(cfg Config) (*Status, error) {
	report := newReporter(&cfg)
	reader, err := kafka.NewConsumer(cfg.with(report, kafka.ConfigMap{
		"group.id": "txflow-status", "enable.auto.commit": false,
		"isolation.level": "read_committed", "enable.partition.eof": true, "auto.offset.reset": "earliest",
		"fetch.wait.max.ms": 10, "fetch.message.max.bytes": 64 << 10, "queued.min.messages": 1}))
	if err != nil {
		report.close()
		return nil, cfg.refused(err)
	}
	s := &Status{cfg: cfg, reader: reader, report: report}
	if s.admin, err = kafka.NewAdminClientFromConsumer(reader); err != nil {
		return nil, errors.Join(cfg.unavailable(err), s.Close())
	}
	return s, nil
}

// Close ends the clients.
func (s *Status) Close() error {
	if s.admin != nil {
		s.admin.Close()
	}
	defer s.report.close()
	return s.reader.Close()
}

// Look reads how far a group is in a topic. The error has exit code 69 when Kafka does not answer or lacks the
// topic.
func (s *Status) Look(ctx context.Context, group, topic string) (status.Look, error) {
	look := status.Look{Group: group, Topic: topic}
	meta, err := s.reader.GetMetadata(nil, true, int(untilOf(ctx).Milliseconds()))
	if err != nil {
		return look, s.cfg.unavailable(err)
	}
	t, ok := meta.Topics[topic]
	if !ok {
		return look, fault.WithHint(fault.Failf(fault.ExitUnavailable, "Kafka at %s %w %s", s.cfg.Brokers, status.ErrNoTopic,
			topic), "make it with txflow topics apply")
	}
	var numbers []int32
	for _, p := range t.Partitions {
		numbers = append(numbers, p.ID)
	}
	if look.Partitions, err = groupOffsets(ctx, s.admin, group, topic, numbers); err != nil {
		return look, s.cfg.unavailable(err)
	}
	look.At = time.Now()
	if err := s.describe(ctx, &look); err != nil {
		return look, s.cfg.unavailable(err)
	}
	if err := s.oldest(ctx, &look); err != nil {
		return look, s.cfg.unavailable(err)
	}
	return look, nil
}

// describe adds the group's state and who owns which partition.
func (s *Status) describe(ctx context.Context, look *status.Look) error {
	groups, err := describeGroup(ctx, s.admin, look.Group)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if g.State == kafka.ConsumerGroupStateDead {
			return nil // there is none
		}
		look.State, look.Members = g.State.String(), len(g.Members)
		for _, m := range g.Members {
			for _, p := range m.Assignment.TopicPartitions {
				i := slices.IndexFunc(look.Partitions, func(has status.Partition) bool { return has.Number == p.Partition })
				if i >= 0 && p.Topic != nil && *p.Topic == look.Topic {
					look.Partitions[i].Owner = owner(&m)
				}
			}
		}
	}
	return nil
}

// owner names a member of a group: by the name of its own that it has over restarts, if it has one.
func owner(m *kafka.MemberDescription) string {
	name := m.GroupInstanceID
	if name == "" {
		name = m.ClientID
	}
	return name + " at " + host(m.Host)
}

// peekTime bounds how long the oldest messages are looked for.
const peekTime = 3 * time.Second

// oldest reads the message that each partition has next. Where none stands before the end, no message waits: what is
// left are markers of transactions.
func (s *Status) oldest(ctx context.Context, look *status.Look) error {
	wait := map[int32]*status.Partition{}
	var assign []kafka.TopicPartition
	for i := range look.Partitions {
		if p := &look.Partitions[i]; p.Lag() > 0 {
			wait[p.Number] = p
			assign = append(assign, kafka.TopicPartition{Topic: &look.Topic, Partition: p.Number,
				Offset: kafka.Offset(p.Next())})
		}
	}
	if len(assign) == 0 {
		return nil
	}
	if err := s.reader.Assign(assign); err != nil {
		return err
	}
	for end := time.Now().Add(peekTime); len(wait) > 0 && time.Now().Before(end) && ctx.Err() == nil; {
		switch e := s.reader.Poll(int(pollStep.Milliseconds())).(type) {
		case *kafka.Message:
			if p := wait[e.TopicPartition.Partition]; p != nil {
				p.Oldest = (&position{}).message(e, time.Now).Time
				delete(wait, p.Number)
			}
		case kafka.PartitionEOF:
			if p := wait[e.Partition]; p != nil {
				p.End = p.Next()
				delete(wait, p.Number)
			}
		}
	}
	return s.reader.Unassign()
}

// host is an address as Kafka reports it, without slash and port.
func host(address string) string {
	address = strings.TrimPrefix(address, "/")
	if name, _, err := net.SplitHostPort(address); err == nil {
		return name
	}
	return address
}

// WrittenSince reports whether a topic has a message of a time or later. A topic that is not there has none.
func (s *Status) WrittenSince(ctx context.Context, topic string, at time.Time) (bool, error) {
	limit := int(untilOf(ctx).Milliseconds())
	meta, err := s.reader.GetMetadata(&topic, false, limit)
	if err != nil {
		return false, s.cfg.unavailable(err)
	}
	var asked []kafka.TopicPartition
	for _, p := range meta.Topics[topic].Partitions {
		asked = append(asked, kafka.TopicPartition{Topic: &topic, Partition: p.ID, Offset: kafka.Offset(at.UnixMilli())})
	}
	if len(asked) == 0 {
		return false, nil
	}
	found, err := s.reader.OffsetsForTimes(asked, limit)
	if err != nil {
		return false, s.cfg.unavailable(err)
	}
	return slices.ContainsFunc(found, func(p kafka.TopicPartition) bool { return p.Error == nil && p.Offset >= 0 }), nil
}
