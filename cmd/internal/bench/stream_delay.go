package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/txflow/txflow/stream/topics"
)

// intoClickHouse times how ClickHouse's Kafka tables read everything that was classified.
func (b *bencher) intoClickHouse(ctx context.Context, _ options, r *streamReport) error {
	say("ClickHouse reads what was classified")
	if err := b.startClickHouse(ctx); err != nil {
		return err
	}
	b.database = "txflow"
	if _, err := b.time(ctx, "migrate", "--stream"); err != nil {
		return err
	}
	start := time.Now()
	var wait advance
	for {
		text, err := b.query(ctx, "SELECT count() FROM outcomes")
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(text)
		if err == nil {
			err = wait.at("messages that ClickHouse stored", n)
		}
		if err != nil {
			return err
		}
		if n == r.classified {
			break
		}
		<-time.After(100 * time.Millisecond)
	}
	r.clickhouse = float64(r.classified) / time.Since(start).Seconds()
	say("ClickHouse: %.0f messages a second", r.clickhouse)
	return nil
}

// delay is the time from when a message was produced until a query saw its row in ClickHouse.
type delay struct {
	rate          int // messages/s
	messages      int
	p50, p99, max time.Duration
}

// lookEvery is how often ClickHouse is polled, which bounds how exact delays are. Every 50 ms took a fifth of what
// ClickHouse used.
const lookEvery = 200 * time.Millisecond

// delays measures at every rate, with one member and the settings that txflow ships.
func (b *bencher) delays(ctx context.Context, _ options, r *streamReport) error {
	m, err := b.startMember(ctx, classifyMember, 0)
	if err != nil {
		return err
	}
	for _, rate := range []int{1000, 10_000} {
		d, err := b.delayAt(ctx, rate)
		if err != nil {
			return err
		}
		say("at %d a second: p50 %s, p99 %s, max %s", rate, d.p50, d.p99, d.max)
		r.delays = append(r.delays, d)
	}
	_, err = m.end()
	return err
}

// place is the position of a message in transactions.raw.
type place struct {
	partition int32
	offset    int64
}

const delaySeconds = 20

func (b *bencher) delayAt(ctx context.Context, rate int) (d delay, err error) {
	d.rate, d.messages = rate, rate*delaySeconds
	before, err := b.stored(ctx)
	if err != nil {
		return d, err
	}
	produced := make(chan error, 1)
	go func() {
		_, err := b.time(ctx, "stream", "produce", "--rate", strconv.Itoa(rate), "--count", strconv.Itoa(d.messages),
			"--seed", strconv.Itoa(rate))
		produced <- err
	}()
	seen := map[place]time.Time{}
	last := before
	var wait advance
	for len(seen) < d.messages {
		if err := wait.at("messages that ClickHouse shows", len(seen)); err != nil {
			return d, err
		}
		select {
		case err := <-produced:
			if err != nil {
				return d, err
			}
		case <-time.After(lookEvery):
		}
		now, err := b.stored(ctx)
		if err != nil {
			return d, err
		}
		at := time.Now()
		for partition, offset := range now {
			from, ok := last[partition]
			if !ok {
				from = -1
			}
			for o := from + 1; o <= offset; o++ {
				seen[place{partition, o}] = at
			}
		}
		last = now
	}
	made, err := b.producedAt(ctx, seen)
	if err != nil {
		return d, err
	}
	var all []time.Duration
	for where, at := range seen {
		all = append(all, at.Sub(made[where]))
	}
	slices.Sort(all)
	d.p50, d.p99, d.max = all[len(all)/2], all[len(all)*99/100], all[len(all)-1]
	return d, nil
}

// stored is the last offset of each partition that the ledger has. A partition's rows come in the order of their
// offsets.
func (b *bencher) stored(ctx context.Context) (map[int32]int64, error) {
	text, err := b.query(ctx, "SELECT partition, max(position) FROM outcomes WHERE pipeline = 'stream' GROUP BY partition")
	if err != nil {
		return nil, err
	}
	last := map[int32]int64{}
	for line := range strings.Lines(text) {
		var partition int32
		var offset int64
		if _, err := fmt.Sscan(line, &partition, &offset); err != nil {
			return nil, err
		}
		last[partition] = offset
	}
	return last, nil
}

// producedAt reads when messages were produced, by their own timestamps.
func (b *bencher) producedAt(ctx context.Context, wanted map[place]time.Time) (map[place]time.Time, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.brokers), kgo.ConsumeTopics(topics.Raw),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	made := make(map[place]time.Time, len(wanted))
	for len(made) < len(wanted) {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return nil, err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			where := place{r.Partition, r.Offset}
			if _, ok := wanted[where]; ok {
				made[where] = r.Timestamp
			}
		})
	}
	return made, nil
}

// query asks ClickHouse and returns its answer as tab-separated text.
func (b *bencher) query(ctx context.Context, sql string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.clickhouse+"/?database="+url.QueryEscape(b.database),
		strings.NewReader(sql))
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", errors.New(string(text))
	}
	return strings.TrimSpace(string(text)), nil
}
