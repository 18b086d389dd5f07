// Package analytics publishes roll-ups of gold to events.analytics, a compacted topic. A message replaces the one of
// its key: late events, corrections and erasures are new messages. What the topic has is compared with what gold says,
// so that no key is missed, whatever was redelivered, interrupted or lost; where the two are the same, nothing is
// written.
package analytics

import (
	"context"
	"hash/maphash"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/pipeline"
)

// Gold is ClickHouse's table of events.
type Gold interface {
	// EnterEvents looks for what has changed since a look; since the zero one, that is all.
	EnterEvents(ctx context.Context, last event.RollupLook) (event.RollupLook, error)
	// EventRollups visits the roll-ups that a look found changed, as they are now, each key once.
	EventRollups(ctx context.Context, look event.RollupLook, visit func(*event.Rollup) error) error
}

// Sink is Kafka.
type Sink interface {
	Send(ctx context.Context, r pipeline.Record) error
	Flush(ctx context.Context) error // waits until all that was sent is acknowledged
}

// Config is what a publisher needs; all of it.
type Config struct {
	Gold Gold
	// Read visits the messages that events.analytics has now, each partition in its order.
	Read func(ctx context.Context, visit func(*pipeline.Message) error) error
	Sink Sink
	Now  func() time.Time
	Log  *slog.Logger
}

// Publisher publishes; it is for one goroutine. It implements prometheus.Collector, which others may use meanwhile.
type Publisher struct {
	cfg   Config
	seed  maphash.Seed
	topic map[string]seen  // what the topic has, by key; nil: that is unknown
	read  time.Time        // when that was read
	last  event.RollupLook // at gold
	look  uint32

	published, removed, upToDate, keys atomic.Int64
}

// seen is a message of the topic.
type seen struct {
	value uint64 // its hash
	look  uint32 // the last look at gold that had the key
}

// New makes a publisher.
func New(cfg Config) *Publisher { return &Publisher{cfg: cfg, seed: maphash.MakeSeed()} }

// Done is what a look at gold came to.
type Done struct {
	Published int // keys with a new roll-up
	Removed   int // keys that have no events any more
	Keys      int // in the topic
}

// readAgain is how long the publisher trusts what it knows of the topic: another publisher may have written there.
const readAgain = time.Hour

// Publish looks at gold, and writes what the topic has not. After an error the topic is read again, and every key
// compared.
func (p *Publisher) Publish(ctx context.Context) (done Done, err error) {
	defer func() {
		if err != nil {
			p.topic = nil
		}
	}()
	look, err := p.cfg.Gold.EnterEvents(ctx, p.last)
	if p.last = look; err != nil {
		p.last = event.RollupLook{}
		return done, err
	}
	now := p.cfg.Now()
	if p.topic == nil || now.Sub(p.read) >= readAgain || now.Before(p.read) {
		if err := p.readTopic(ctx); err != nil {
			return done, err
		}
		p.read, look.All = now, true
	}
	if look.All || look.Entered > 0 {
		if done, err = p.compare(ctx, look); err != nil {
			return done, err
		}
	}
	done.Keys = len(p.topic)
	p.published.Add(int64(done.Published))
	p.removed.Add(int64(done.Removed))
	p.keys.Store(int64(done.Keys))
	p.upToDate.Store(p.cfg.Now().UnixMicro())
	return done, nil
}

// readTopic finds what the topic has.
func (p *Publisher) readTopic(ctx context.Context) error {
	p.topic = map[string]seen{}
	return p.cfg.Read(ctx, func(m *pipeline.Message) error {
		if len(m.Value) == 0 {
			delete(p.topic, string(m.Key))
		} else {
			p.topic[string(m.Key)] = seen{maphash.Bytes(p.seed, m.Value), p.look}
		}
		return nil
	})
}

// compare writes the difference between gold and the topic, of the keys that a look found changed.
func (p *Publisher) compare(ctx context.Context, look event.RollupLook) (done Done, err error) {
	p.look++
	send := func(key, value []byte) error {
		return p.cfg.Sink.Send(ctx, pipeline.Record{Topic: events.Analytics, Key: key, Value: value})
	}
	err = p.cfg.Gold.EventRollups(ctx, look, func(r *event.Rollup) error {
		key, value := encode(r)
		is := seen{maphash.Bytes(p.seed, value), p.look}
		was, known := p.topic[string(key)]
		p.topic[string(key)] = is
		if known && was.value == is.value {
			return nil
		}
		done.Published++
		return send(key, value)
	})
	if err != nil {
		return done, err
	}
	if look.All { // what only came in removes no key
		if err := p.remove(send, &done); err != nil {
			return done, err
		}
	}
	if done.Published+done.Removed == 0 {
		return done, nil
	}
	err = p.cfg.Sink.Flush(ctx)
	p.cfg.Log.InfoContext(ctx, "roll-ups published", "topic", events.Analytics, "keys", done.Published, "removed",
		done.Removed, "of", len(p.topic))
	return done, err
}

// remove takes the keys out of the topic that gold has not.
func (p *Publisher) remove(send func(key, value []byte) error, done *Done) error {
	for key, s := range p.topic {
		if s.look == p.look {
			continue
		}
		done.Removed++
		delete(p.topic, key)
		if err := send([]byte(key), nil); err != nil {
			return err
		}
	}
	return nil
}

var (
	publishedDesc = prometheus.NewDesc("txflow_events_rollups_published_total",
		"Roll-ups of events that were published to events.analytics, new or changed.", nil, nil)
	removedDesc = prometheus.NewDesc("txflow_events_rollups_removed_total",
		"Roll-ups that were removed from events.analytics, since no events are left.", nil, nil)
	keysDesc = prometheus.NewDesc("txflow_events_rollups", "Roll-ups that events.analytics has.", nil, nil)
	lastDesc = prometheus.NewDesc("txflow_events_rollups_timestamp_seconds",
		"When events.analytics was last the same as gold; 0 before the first time.", nil, nil)
)

// Describe implements prometheus.Collector.
func (p *Publisher) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{publishedDesc, removedDesc, keysDesc, lastDesc} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (p *Publisher) Collect(out chan<- prometheus.Metric) {
	counter := prometheus.CounterValue
	out <- prometheus.MustNewConstMetric(publishedDesc, counter, float64(p.published.Load()))
	out <- prometheus.MustNewConstMetric(removedDesc, counter, float64(p.removed.Load()))
	out <- prometheus.MustNewConstMetric(keysDesc, prometheus.GaugeValue, float64(p.keys.Load()))
	out <- prometheus.MustNewConstMetric(lastDesc, prometheus.GaugeValue, float64(p.upToDate.Load())/1e6)
}
