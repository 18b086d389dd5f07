package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/topics"
)

// echoTopic takes what the ceiling writes; it has as many partitions as txflow topics apply makes.
const (
	echoTopic         = "bench.echo"
	ceilingPartitions = 6
)

// streamCeiling reads the same messages and writes them again as they are, in transactions of the same size, offsets
// included: what is left of classify when nothing is parsed, checked or asked.
func (b *bencher) streamCeiling(ctx context.Context, _ options, r *streamReport) (err error) {
	r.ceiling, err = b.ceilingOf(ctx, topics.Raw, r.classified)
	return err
}

// ceilingOf reads so many messages of a topic and writes them again.
func (b *bencher) ceilingOf(ctx context.Context, topic string, messages int) (perSecond float64, err error) {
	cfg := kafka.Config{Brokers: b.brokers, Log: slog.New(slog.DiscardHandler)}
	admin, err := kafka.NewAdmin(cfg)
	if err != nil {
		return 0, err
	}
	defer admin.Close()
	echo := topics.All(topics.Partitions{Transactions: ceilingPartitions, Events: 1}, 1)[:1] // as transactions.raw is
	echo[0].Name = echoTopic
	plan, err := topics.Plan(ctx, admin, echo)
	if err != nil {
		return 0, err
	}
	if err := topics.Apply(ctx, admin, plan, func(topics.Change) {}); err != nil {
		return 0, err
	}
	log, err := kafka.OpenSession(ctx, kafka.SessionConfig{Config: cfg, Topic: topic, Group: "bench-ceiling",
		Instance: "bench"})
	if err != nil {
		return 0, err
	}
	defer log.Close() //nolint:errcheck // nothing is lost with it
	const wait = 100 * time.Millisecond
	var first time.Time
	counted := 0
	written := make(chan error, 1) // as classify does, it reads while it writes
	written <- nil
	for done := 0; done < messages; {
		polled, err := log.Poll(ctx, pipeline.DefaultBatchMessages, wait)
		if err != nil {
			return 0, err
		}
		read := polled.Messages
		if len(read) == 0 {
			continue
		}
		records := make([]pipeline.Record, len(read))
		for i := range read {
			records[i] = pipeline.Record{Topic: echoTopic, Value: read[i].Value}
		}
		if err := <-written; err != nil {
			return 0, err
		}
		go func() { written <- log.Commit(ctx, records, read) }()
		done += len(read)
		if first.IsZero() { // joining the group is not measured
			first = time.Now()
			continue
		}
		counted += len(read)
	}
	if err := <-written; err != nil {
		return 0, err
	}
	perSecond = float64(counted) / time.Since(first).Seconds()
	say("reading and writing alone: %.0f messages a second", perSecond)
	return perSecond, nil
}
