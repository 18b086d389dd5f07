package kafka

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/txflow/txflow/stream/pipeline"
)

// position is how far a partition has been read since it was assigned.
type position struct {
	assignment pipeline.Assignment
	announced  bool  // the runner knows of the assignment
	next       int64 // the offset that is read next; -1 where the group has committed none yet
	version    int64 // of the message before it, in microseconds since 1970
	proven     bool  // reading began there, see skips
	skippedTo  int64 // where reading began instead; 0: it did not
	read       int64 // after the last message
	end        int64 // where nothing more was to be read
}

// positions are those of all partitions that the member has. The goroutine that polls changes them; another may ask for
// idle.
type positions struct {
	mu  sync.Mutex
	all map[int32]*position
}

// get is for the goroutine that polls.
func (p *positions) get(partition int32) *position { return p.all[partition] }

// set goes back to the committed offset of a partition. It reports whether the runner knows the partition as one of
// another topic of the same name.
func (p *positions) set(a pipeline.Assignment) (replaced bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.all[a.Number]
	if at == nil {
		at = &position{}
		p.all[a.Number] = at
	}
	replaced = at.announced && at.assignment.LogID != a.LogID
	if replaced || !at.announced {
		at.assignment, at.announced = a, false
	}
	at.next, at.version, at.proven, at.skippedTo = a.Next, a.Version, false, 0
	return replaced
}

// drop forgets a partition and reports whether the runner knew of it.
func (p *positions) drop(partition int32) (announced bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.all[partition]
	delete(p.all, partition)
	return at != nil && at.announced
}

// announce returns the assignments that the runner does not know of.
func (p *positions) announce() (fresh []pipeline.Assignment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, at := range p.all {
		if !at.announced {
			at.announced = true
			fresh = append(fresh, at.assignment)
		}
	}
	return fresh
}

// sawMessage and sawEnd note where the reading of a partition is.
func (p *positions) sawMessage(at *position, offset int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at.read = offset + 1
}

func (p *positions) sawEnd(at *position, offset int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at.end = offset
}

// idle is the offset up to which no message waits: a little after the committed one, where only markers of producers'
// transactions follow.
func (p *positions) idle(partition int32, committed int64) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.all[partition]
	if at == nil || committed < at.read {
		return committed
	}
	return max(committed, at.end)
}

// message is the next message of a partition, with its version.
func (at *position) message(m *kafka.Message, now func() time.Time) pipeline.Message {
	out := pipeline.Message{Topic: at.assignment.Topic, LogID: at.assignment.LogID, Partition: m.TopicPartition.Partition,
		Offset: int64(m.TopicPartition.Offset), Key: m.Key, Value: m.Value, Time: m.Timestamp,
		LogVersion: at.nextVersion(m, now)}
	out.SetHeaders(headersOf(m))
	at.next = out.Offset + 1
	return out
}

func headersOf(m *kafka.Message) []pipeline.Header {
	if len(m.Headers) == 0 {
		return nil
	}
	headers := make([]pipeline.Header, len(m.Headers))
	for i := range m.Headers {
		headers[i] = pipeline.Header{Name: m.Headers[i].Key, Value: m.Headers[i].Value}
	}
	return headers
}

// nextVersion is the broker's time, or a microsecond more than the version of the message before. Where the topic still
// has its producers' times, one of the future counts as now: it would bind the versions of all messages that follow.
func (at *position) nextVersion(m *kafka.Message, now func() time.Time) int64 {
	version := m.Timestamp.UnixMicro()
	if m.TimestampType != kafka.TimestampLogAppendTime {
		if version = min(version, now().UnixMicro()); m.TimestampType == kafka.TimestampNotAvailable {
			version = now().UnixMicro()
		}
	}
	at.version = max(version, at.version+1)
	return at.version
}

// position returns that of a partition, nil for one that the member does not have any more. What is not known since it
// was assigned is read from the group's committed offsets.
func (s *Session) position(ctx context.Context, partition int32) (*position, error) {
	if at := s.positions.get(partition); at != nil {
		return at, nil
	}
	assigned, err := s.consumer.Assignment()
	if err != nil {
		return nil, s.cfg.unavailable(err)
	}
	unknown := slices.DeleteFunc(assigned,
		func(p kafka.TopicPartition) bool { return s.positions.get(p.Partition) != nil })
	if _, err := s.restore(ctx, unknown); err != nil {
		return nil, s.cfg.unavailable(err)
	}
	return s.positions.get(partition), nil
}

// restore sets the positions of partitions to the group's committed offsets, and returns those. No transaction of
// another member is pending on them then: librdkafka waits for that, as it does before it reads.
func (s *Session) restore(ctx context.Context, partitions []kafka.TopicPartition) (committed []kafka.TopicPartition,
	err error) {
	if len(partitions) == 0 {
		return nil, nil
	}
	id := ""
	err = s.retry(ctx, "read the committed offsets", func(ctx context.Context) (err error) {
		if _, err = s.metadata(ctx); err != nil {
			return err
		}
		if id, err = logID(ctx, s.admin, s.cfg.Topic); err != nil {
			return err
		}
		committed, err = s.consumer.Committed(partitions, int(tryTime.Milliseconds()))
		return errors.Join(err, failed(committed))
	})
	if err != nil {
		return nil, err
	}
	for _, c := range committed {
		a := pipeline.Assignment{Partition: pipeline.Partition{Topic: s.cfg.Topic, Number: c.Partition}, LogID: id,
			Next: max(int64(c.Offset), -1)}
		if c.Metadata != nil {
			a.Metadata = *c.Metadata
			if a.Version, err = unpackMetadata(a.Metadata); err != nil {
				s.cfg.Log.WarnContext(ctx, "the metadata of a committed offset is ignored", "topic", s.cfg.Topic,
					"partition", c.Partition, "error", err)
			}
		}
		if s.positions.set(a) {
			s.revoked = append(s.revoked, a.Partition)
		}
	}
	return committed, nil
}

// logID tells a topic from another of its name: the cluster's id and the topic's (KIP-516). Brokers before Kafka 2.8
// give a topic no id, which becomes "-": there, a topic must not be created again under its name.
func logID(ctx context.Context, admin *kafka.AdminClient, topic string) (string, error) {
	cluster, err := admin.ClusterID(ctx)
	if err != nil {
		return "", kafka.NewError(kafka.ErrTimedOut, "the broker does not tell its cluster's id: "+err.Error(), false)
	}
	found, err := admin.DescribeTopics(ctx, kafka.NewTopicCollectionOfTopicNames([]string{topic}),
		kafka.SetAdminRequestTimeout(tryTime))
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
