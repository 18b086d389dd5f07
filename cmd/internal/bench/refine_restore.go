package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/events/dedup"
	"github.com/txflow/txflow/stream/events/refine"
	"github.com/txflow/txflow/stream/kafka"
)

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
