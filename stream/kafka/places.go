package kafka

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/stream/transactions/classify"
	"github.com/txflow/txflow/stream/transactions/message"
)

// place is where the reading of a partition stands.
type place struct {
	log  string // "CLUSTER_ID/TOPIC_ID"
	next int64  // the offset that is read next; -1 where the group has committed none yet
	last int64  // the version of the message before it, in microseconds since 1970
}

// received keeps of the next message what is needed, so that the rest of it is freed at once.
func (p *place) received(m *kafka.Message, now func() time.Time) classify.Message {
	out := classify.Message{Log: p.log, Partition: m.TopicPartition.Partition, Offset: int64(m.TopicPartition.Offset), Value: m.Value,
		Time: m.Timestamp, Place: p.version(m, now)}
	p.next, out.Version = out.Offset+1, out.Place
	for i := range m.Headers {
		switch h := &m.Headers[i]; h.Key {
		case message.HeaderTrace:
			out.Traceparent = string(h.Value)
		case message.HeaderReplays:
			out.Replays = int(decimal(h.Value))
		case message.HeaderVersion: // a replay is as new as its origin was
			if origin := decimal(h.Value); origin > 0 {
				out.Version = min(out.Place, origin)
			}
		case message.HeaderTime:
			if at := decimal(h.Value); at > 0 {
				out.Time = time.UnixMicro(at)
			}
		}
	}
	return out
}

// version gives the next message its version: the broker's time, or a microsecond more than the version of the message
// before it. Where the topic still has its producers' times, one of the future counts as now: it would bind the versions of
// all messages that follow.
func (p *place) version(m *kafka.Message, now func() time.Time) int64 {
	at := m.Timestamp.UnixMicro()
	if m.TimestampType != kafka.TimestampLogAppendTime {
		if at = min(at, now().UnixMicro()); m.TimestampType == kafka.TimestampNotAvailable {
			at = now().UnixMicro()
		}
	}
	p.last = max(at, p.last+1)
	return p.last
}

// decimal reads a header; nonsense counts as none.
func decimal(text []byte) int64 {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// place returns where a partition stands, nil for one that is not ours any more. What is not known since it was assigned is
// read from the group's committed offsets.
func (l *Log) place(ctx context.Context, partition int32) (*place, error) {
	if p := l.places[partition]; p != nil {
		return p, nil
	}
	assigned, err := l.consumer.Assignment()
	if err != nil {
		return nil, l.cfg.away(err)
	}
	unknown := slices.DeleteFunc(assigned, func(p kafka.TopicPartition) bool { return l.places[p.Partition] != nil })
	if _, err := l.restore(ctx, unknown); err != nil {
		return nil, l.cfg.away(err)
	}
	return l.places[partition], nil
}

// restore asks where the group stands in partitions, and returns their committed offsets. No transaction of another member
// is pending on them then: librdkafka waits for that, as it does before it reads.
func (l *Log) restore(ctx context.Context, partitions []kafka.TopicPartition) (committed []kafka.TopicPartition, err error) {
	if len(partitions) == 0 {
		return nil, nil
	}
	name := ""
	err = l.persist(ctx, "read the committed offsets", func(ctx context.Context) (err error) {
		if name, err = nameOf(ctx, l.admin, l.cfg.Topic); err != nil {
			return err
		}
		committed, err = l.consumer.Committed(partitions, int(tryTime.Milliseconds()))
		return errors.Join(err, failed(committed))
	})
	if err != nil {
		return nil, err
	}
	for _, c := range committed {
		p := &place{log: name, next: max(int64(c.Offset), -1)}
		if c.Metadata != nil {
			if p.last, err = unpackMetadata(*c.Metadata); err != nil {
				l.cfg.Log.WarnContext(ctx, "the metadata of a committed offset is ignored", "topic", l.cfg.Topic, "partition", c.Partition, "error", err)
			}
		}
		l.places[c.Partition] = p
	}
	return committed, nil
}

// nameOf is what tells a topic from another of its name: the cluster's id and the topic's (KIP-516). Brokers before Kafka 2.8
// give a topic no id, and "-" stands in its place: there, a topic must not be made again under its name.
func nameOf(ctx context.Context, admin *kafka.AdminClient, topic string) (string, error) {
	cluster, err := admin.ClusterID(ctx)
	if err != nil {
		return "", kafka.NewError(kafka.ErrTimedOut, "the broker does not tell its cluster's id: "+err.Error(), false)
	}
	found, err := admin.DescribeTopics(ctx, kafka.NewTopicCollectionOfTopicNames([]string{topic}), kafka.SetAdminRequestTimeout(tryTime))
	if err != nil {
		return "", err
	}
	id := "-"
	for _, t := range found.TopicDescriptions {
		if t.Error.Code() != kafka.ErrNoError {
			return "", t.Error
		}
		if t.TopicID.GetMostSignificantBits() != 0 || t.TopicID.GetLeastSignificantBits() != 0 {
			id = t.TopicID.String()
		}
	}
	return cluster + "/" + id, nil
}
