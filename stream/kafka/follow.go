package kafka

import (
	"context"

	"github.com/txflow/txflow/stream/pipeline"
)

// Follower reads a topic of one partition from its beginning, and then what was written since. It is for one goroutine.
type Follower struct {
	scanner *Scanner
	there   bool // the topic
	next    int64
}

// OpenFollower makes the clients; they connect later.
func OpenFollower(cfg Config, topic string) (*Follower, error) {
	s, err := openScanner(cfg, topic, "txflow-follow")
	if err != nil {
		return nil, err
	}
	return &Follower{scanner: s}, nil
}

// Close ends the clients.
func (f *Follower) Close() error { return f.scanner.Close() }

// New visits what was written since the last call. It waits for a broker that does not answer. A topic that does not
// exist has no messages.
func (f *Follower) New(ctx context.Context, visit func(*pipeline.Message) error) error {
	s, begin, end := f.scanner, int64(0), int64(0)
	err := s.retry(ctx, func(ctx context.Context) (err error) {
		if f.there, err = f.exists(ctx); !f.there {
			return err
		}
		begin, end, err = s.reader.QueryWatermarkOffsets(s.topic, 0, int(untilOf(ctx).Milliseconds()))
		if topicMissing(err) {
			begin, end, err = 0, 0, nil
		}
		return err
	})
	if err != nil || end == f.next {
		return err
	}
	if end < f.next || f.next < begin { // made again, or not read yet
		f.next = begin
	}
	if f.next < end {
		err = s.Scan(ctx, map[int32]Span{0: {f.next, end}}, visit)
	}
	if err == nil {
		f.next = end
	}
	return err
}

// exists looks for the topic until it is there: the client would wait for one that is not.
func (f *Follower) exists(ctx context.Context) (bool, error) {
	if f.there {
		return true, nil
	}
	s := f.scanner
	meta, err := s.reader.GetMetadata(&s.topic, false, int(untilOf(ctx).Milliseconds()))
	return err == nil && len(meta.Topics[s.topic].Partitions) > 0, err
}
