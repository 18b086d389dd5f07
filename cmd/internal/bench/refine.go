package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/kafkaserver"
	"github.com/txflow/txflow/stream/events"
)

// refineReport is docs/performance-refine.md.
type refineReport struct {
	machine  string
	messages int
	bytes    int       // of one, in events.raw
	runs     []refined // the same number of messages each; the median counts
	pairs    []refined // the same with two members

	// Of a first, smaller backlog.
	few       int
	cold      float64
	fewMember used

	ceiling float64
	ids     float64
	// bytesPerID is what the windows take, of the memory of the process.
	bytesPerID float64
	restore    time.Duration
	restored   used // a member that only restores
}

// refined is how a backlog was worked off.
type refined struct {
	rate   float64
	member used
	broker time.Duration // processor time of the broker meanwhile
}

// refineBench measures stream refine on a real Kafka, beside what that Kafka can do.
func refineBench(ctx context.Context, o options, b *bencher) (report string, err error) {
	lib, err := kafkaserver.Fetch(ctx, os.Stderr)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(b.dir, "kafka")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	broker, err := kafkaserver.Start(ctx, lib, dir, nil)
	if err != nil {
		return "", err
	}
	defer broker.Stop()
	b.brokers = broker.Addr()
	if _, err := b.time(ctx, "topics", "apply"); err != nil {
		return "", err
	}
	r := &refineReport{machine: thisMachine(), messages: o.messages, few: o.messages / 10}
	say("producing %d events, for everything to warm up", r.few)
	if _, err = b.produceEvents(ctx, r.few); err != nil {
		return "", err
	}
	if r.cold, r.fewMember, err = b.workOff(ctx, r.few, 1, refineMember); err != nil {
		return "", err
	}
	if r.runs, err = b.refineBacklogs(ctx, r, 1, broker.PID()); err != nil {
		return "", err
	}
	if r.ceiling, err = b.ceilingOf(ctx, events.Raw, o.messages); err != nil {
		return "", err
	}
	if r.pairs, err = b.refineBacklogs(ctx, r, 2, broker.PID()); err != nil {
		return "", err
	}
	if err := b.restores(ctx, r, o.ids); err != nil {
		return "", err
	}
	return r.markdown(), nil
}

// refineBacklogs makes a backlog for each run and has members work it off. The slowest run comes first.
func (b *bencher) refineBacklogs(ctx context.Context, r *refineReport, members, broker int) (runs []refined,
	err error) {
	for range backlogRuns { // in the first ones the broker's Java still compiles
		say("producing %d events", r.messages)
		if r.bytes, err = b.produceEvents(ctx, r.messages); err != nil {
			return nil, err
		}
		var run refined
		before := processCPU(broker)
		if run.rate, run.member, err = b.workOff(ctx, r.messages, members, refineMember); err != nil {
			return nil, err
		}
		run.broker = processCPU(broker) - before
		say("refined by %d: %.0f a second, %s", members, run.rate, megabytes(run.member.memory))
		runs = append(runs, run)
	}
	slices.SortFunc(runs, func(a, b refined) int { return cmp.Compare(a.rate, b.rate) })
	return runs, nil
}

// produceEvents writes events to events.raw, one in twenty of them twice, and returns how large one is.
func (b *bencher) produceEvents(ctx context.Context, n int) (size int, err error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.brokers), kgo.MaxBufferedRecords(100_000))
	if err != nil {
		return 0, err
	}
	defer client.Close()
	var failed error
	var last event.Event
	for i := range n {
		if i%20 != 1 {
			last = event.Event{ID: event.NewID(), Correlation: event.NewID(), Received: time.Now().UnixMicro(),
				Form:               event.FormPackage,
				Type:               `Holded\Wallet\Domain\Transaction\Events\WalletTransactionCreatedEvent`,
				TargetSubscription: "wallet_events", AccountID: event.NewID().String(), UserID: event.NewID().String(),
				MessageID: event.NewID().String(), TimestampText: "1790000000000", Timestamp: time.Now().UnixMicro(),
				HasTimestamp: true,
				Platform:     "web", Device: "desktop", Data: fmt.Sprintf(`{"id":"%d","amount":%d.5}`, i, i),
				Attributes: `{"type":"Holded\\Wallet\\Domain\\Transaction","targetSubscription":"wallet_events"}`}
		}
		value := events.AppendRaw(events.AppendHeader(nil, 1), &last)
		size += len(value)
		client.Produce(ctx, &kgo.Record{Topic: events.Raw, Key: []byte(last.ID.String()), Value: value},
			func(_ *kgo.Record, err error) {
				failed = firstOf(failed, err)
			})
	}
	return size / n, firstOf(client.Flush(ctx), failed)
}

func (r *refineReport) markdown() string {
	run, pair := r.runs[len(r.runs)/2], r.pairs[len(r.pairs)/2]
	share := 100 * run.rate / r.ceiling
	var peak int64
	for _, run := range r.runs {
		peak = max(peak, run.member.memory)
	}
	return fmt.Sprintf(`# Performance of refine

Written by `+"`make bench`"+` at %s on %s.

Kafka 4.1 (one node, KRaft) and the members of the group share these processors with whatever else ran then. An event is
about %s bytes in `+"`events.raw`"+
		`; one in twenty comes twice. Results, dead letters and offsets are one Kafka transaction.

| | |
| --- | ---: |
| **`+"`txflow stream refine`"+`**, a backlog of %s events | **%s events/s** (%s to %s in %d runs) |
| the same on a backlog of %s, the first of all: the broker's Java is still cold | %s events/s |
| the ceiling: the same messages read and written as they are, in transactions of the same size | %s events/s |
| what one member reaches of it | **%.0f %%** |
| two members, which share the partitions | **%s events/s** (%s to %s in %d runs), %.0f %% |
| processor time of an event: one member, and the broker meanwhile | %.1f and %.1f µs |
| processors that one member and the broker used together | %.1f of %d |
| memory of a member, resident at the most: of %s events, and of %s, with the windows of all before | %s and %s |
| windows restored from `+"`events.claims`"+` by a member that starts | %s ids in %s |
| ids that are restored in a second of one processor's time | %s |
| memory of the windows | %.0f bytes an id |
`, commit(), r.machine, display.Thousands(int64(r.bytes)), display.Thousands(int64(r.messages)), thousands(run.rate),
		thousands(r.runs[0].rate), thousands(r.runs[len(r.runs)-1].rate), len(r.runs),
		display.Thousands(int64(r.few)), thousands(r.cold), thousands(r.ceiling), share,
		thousands(pair.rate), thousands(r.pairs[0].rate), thousands(r.pairs[len(r.pairs)-1].rate), len(r.pairs),
		100*pair.rate/r.ceiling,
		r.each(run.member.cpu), r.each(run.broker), (r.each(run.member.cpu)+r.each(run.broker))*run.rate/1e6,
		runtime.NumCPU(), display.Thousands(int64(r.few)), display.Thousands(int64(r.messages)),
		megabytes(r.fewMember.memory), megabytes(peak),
		thousands(r.ids), r.restore.Round(10*time.Millisecond), thousands(r.ids/r.restored.cpu.Seconds()), r.bytesPerID)
}

// each is the microseconds of an event.
func (r *refineReport) each(cpu time.Duration) float64 {
	return float64(cpu.Microseconds()) / float64(r.messages)
}
