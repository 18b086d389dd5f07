package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/kafkaserver"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/events/dedup"
	"github.com/txflow/txflow/stream/events/refine"
	"github.com/txflow/txflow/stream/kafka"
)

// refineReport is docs/performance-refine.md.
type refineReport struct {
	machine  string
	messages int
	bytes    int       // of one, in events.raw
	runs     []refined // the same number of messages each; the median counts
	pairs    []refined // the same with two members
	peak     int64     // bytes of the members, resident at the most

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
	for range backlogRuns { // in the first ones the broker's Java still compiles
		run, err := b.refineBacklog(ctx, r, 1, broker.PID())
		if err != nil {
			return "", err
		}
		r.runs, r.peak = append(r.runs, run), max(r.peak, run.member.memory)
	}
	if r.ceiling, err = b.ceilingOf(ctx, events.Raw, o.messages); err != nil {
		return "", err
	}
	for range backlogRuns {
		run, err := b.refineBacklog(ctx, r, 2, broker.PID())
		if err != nil {
			return "", err
		}
		r.pairs = append(r.pairs, run)
	}
	for _, runs := range [][]refined{r.runs, r.pairs} {
		slices.SortFunc(runs, func(a, b refined) int { return cmp.Compare(a.rate, b.rate) })
	}
	if err := b.restores(ctx, r, o.ids); err != nil {
		return "", err
	}
	return r.markdown(), nil
}

// refineBacklog makes a backlog and has members work it off.
func (b *bencher) refineBacklog(ctx context.Context, r *refineReport, members, broker int) (run refined, err error) {
	say("producing %d events", r.messages)
	if r.bytes, err = b.produceEvents(ctx, r.messages); err != nil {
		return run, err
	}
	before := processCPU(broker)
	if run.rate, run.member, err = b.workOff(ctx, r.messages, members, refineMember); err != nil {
		return run, err
	}
	run.broker = processCPU(broker) - before
	say("refined by %d: %.0f a second, %s", members, run.rate, megabytes(run.member.memory))
	return run, nil
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

// restores has a member restore windows of many ids, as if they had been refined in the last 22 hours, and ends it.
func (b *bencher) restores(ctx context.Context, r *refineReport, ids int) error {
	say("writing the claims of %d ids", ids)
	if err := b.claims(ctx, ids); err != nil {
		return err
	}
	s, err := b.startMember(ctx, refineMember, 0)
	if err != nil {
		return err
	}
	var wait advance
	for r.restore == 0 {
		found, err := metrics(ctx, s.url)
		if err == nil {
			r.ids = found[`txflow_stream_dedup_ids{pipeline="events"}`]
			r.restore = time.Duration(found[`txflow_stream_dedup_restore_seconds{pipeline="events"}`] * float64(time.Second))
			r.bytesPerID = found[`txflow_stream_dedup_bytes{pipeline="events"}`] / max(r.ids, 1)
			err = wait.at("ids that are restored", int(r.ids))
		}
		if err != nil {
			return err
		}
		<-time.After(100 * time.Millisecond)
	}
	say("%.0f ids restored in %s", r.ids, r.restore)
	r.restored, err = s.end()
	return err
}

// claims writes the claims of so many ids to events.claims, as transactions of 3,000 in a partition would have, and has
// the group be after them.
func (b *bencher) claims(ctx context.Context, ids int) error {
	log, err := kafka.OpenVerifier(kafka.Config{Brokers: b.brokers, Log: slog.New(slog.DiscardHandler)}, events.Group,
		events.Raw)
	if err != nil {
		return err
	}
	topic, err := log.Topic(ctx)
	if err := errors.Join(err, log.Close()); err != nil {
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(b.brokers), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer client.Close()
	const each, window = 3000, 22 * time.Hour
	var failed error
	random := rand.New(rand.NewPCG(1, 2))
	offsets := kadm.Offsets{}
	n := len(topic.Partitions)
	end := time.Now().UnixMicro()
	for i := 0; i < ids; i += each * n {
		for p := range topic.Partitions {
			batch := make([]dedup.Claim, each)
			for k := range batch {
				c := &batch[k]
				at := i/n + k
				binary.BigEndian.PutUint64(c.ID[:], random.Uint64())
				binary.BigEndian.PutUint64(c.ID[8:], random.Uint64())
				c.Offset, c.Hash = topic.Partitions[p].Committed+int64(at), random.Uint64()
				c.Time = end - int64(float64(window.Microseconds())*(1-float64(at)*float64(n)/float64(ids)))
			}
			next := batch[each-1].Offset + 1
			offsets.Add(kadm.Offset{Topic: events.Raw, Partition: topic.Partitions[p].Number, At: next, LeaderEpoch: -1})
			for _, value := range refine.PackClaims(topic.Log, next, batch) {
				client.Produce(ctx, &kgo.Record{Topic: events.Claims, Partition: topic.Partitions[p].Number, Value: value},
					func(_ *kgo.Record, err error) { failed = firstOf(failed, err) })
			}
		}
	}
	if err := firstOf(client.Flush(ctx), failed); err != nil {
		return err
	}
	// The group takes offsets from outside when the session of the member that was stopped has ended.
	admin := kadm.NewClient(client)
	for deadline := time.Now().Add(time.Minute); ; {
		err := admin.CommitAllOffsets(ctx, events.Group, offsets)
		if !errors.Is(err, kerr.UnknownMemberID) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// metrics reads the values of all series.
func metrics(ctx context.Context, url string) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/metrics", http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	found := map[string]float64{}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if i := strings.LastIndexByte(lines.Text(), ' '); i > 0 {
			if v, err := strconv.ParseFloat(lines.Text()[i+1:], 64); err == nil {
				found[lines.Text()[:i]] = v
			}
		}
	}
	return found, lines.Err()
}

func (r *refineReport) markdown() string {
	run, pair := r.runs[len(r.runs)/2], r.pairs[len(r.pairs)/2]
	share := 100 * run.rate / r.ceiling
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
		megabytes(r.fewMember.memory), megabytes(r.peak),
		thousands(r.ids), r.restore.Round(10*time.Millisecond), thousands(r.ids/r.restored.cpu.Seconds()), r.bytesPerID)
}

// each is the microseconds of an event.
func (r *refineReport) each(cpu time.Duration) float64 {
	return float64(cpu.Microseconds()) / float64(r.messages)
}
