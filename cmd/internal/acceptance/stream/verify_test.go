package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/deadletter"
	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/topics"
	"github.com/txflow/txflow/stream/transactions/message"
)

// committed is what a topic holds for those who read what is committed.
type committed struct {
	records    []*kgo.Record // in the order of each partition
	rolledBack int64         // messages of transactions that were given up
}

// read waits until no transaction is open and reads a topic from its beginning to its end.
func (b *liveBench) read(topic string) (c committed) {
	b.T.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Brokers), kgo.ConsumeTopics(topic),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.KeepControlRecords())
	harness.Must(b.T, err)
	defer client.Close()
	ends := map[int32]int64{}
	b.Until("no transaction is open in "+topic, func() bool {
		stable, stableErr := kadm.NewClient(client).ListCommittedOffsets(b.T.Context(), topic)
		end, err := kadm.NewClient(client).ListEndOffsets(b.T.Context(), topic)
		if err = errors.Join(stableErr, err, stable.Error(), end.Error()); err != nil {
			return false // the broker is back in a moment
		}
		open := false
		end.Each(func(o kadm.ListedOffset) {
			s, _ := stable.Lookup(topic, o.Partition)
			open = open || s.Offset != o.Offset
			ends[o.Partition] = o.Offset
		})
		return !open
	})
	left := 0
	for _, end := range ends {
		c.rolledBack += end
		if end > 0 {
			left++
		}
	}
	for left > 0 {
		ctx, cancel := context.WithTimeout(b.T.Context(), time.Minute)
		fetches := client.PollFetches(ctx)
		cancel()
		if err := fetches.Err0(); err != nil {
			b.T.Fatalf("%s: %d partitions were not read to their ends: %v", topic, left, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			c.rolledBack--
			if r.Offset+1 == ends[r.Partition] {
				left--
			}
			if !r.Attrs.IsControl() {
				c.records = append(c.records, r)
			}
		})
	}
	return c
}

// idOf is the id of a raw message; "" when it breaks a rule.
func idOf(r *kgo.Record) string {
	id, _ := contentOf(r)
	return id
}

// contentOf is the id of a raw message, "" when it breaks a rule, and the hash of its contents.
func contentOf(r *kgo.Record) (string, uint64) {
	var parsed message.Parsed
	parser := message.Parser{Rules: transaction.DefaultRules(time.Now())}
	parser.Rules.Source = "live"
	if parser.Parse(r.Value, &parsed).Code != transaction.CodeOK {
		return "", 0
	}
	return parsed.Transaction.ID.String(), parsed.ContentHash
}

// origin is where a message stands in transactions.raw.
type origin struct {
	partition int32
	offset    uint64
}

// tally is what verify saw.
type tally struct {
	messages    int // in transactions.raw
	deadLetters int
	rolledBack  int64 // messages that were written in transactions that were given up
}

// verify takes transactions.raw as the truth: each of its messages stands in exactly one place, in Kafka and in
// ClickHouse, the right one, in order; the table has of each id what its last message says, be it a correction; and all
// gold figures are the wanted ones, unless those are "". API refusals are those of one id.
func (b *liveBench) verify(want, refused string) tally {
	b.T.Helper()
	raw := b.read(topics.Raw)
	mustBeDeadLetter, ids, bad := map[origin]bool{}, map[string]bool{}, 0
	last := map[string]uint64{} // contents by id; the messages of one are in one partition
	for _, r := range raw.records {
		at := origin{r.Partition, uint64(r.Offset)}
		id, content := contentOf(r)
		replay := slices.ContainsFunc(r.Headers, func(h kgo.RecordHeader) bool { return h.Key == pipeline.HeaderReplays })
		mustBeDeadLetter[at] = id == "" || id == refused && !replay
		if id != "" {
			ids[id] = true
		}
		if id != "" && !replay { // a replay is as new as its origin
			last[id] = content
		}
		if mustBeDeadLetter[at] {
			bad++
		}
	}
	b.Reaches("messages are in the ledger", len(raw.records), func() int { return b.Count(harness.OutcomesOfStream) })
	classified, deadLetters := b.read(topics.Classified), b.read(topics.DeadLetters)
	seen := map[origin]bool{}
	wrong, first := 0, ""
	see := func(at origin, deadLetter bool) {
		if should, known := mustBeDeadLetter[at]; !known || seen[at] || deadLetter != should {
			if wrong++; wrong == 1 {
				first = fmt.Sprintf("message %v: in transactions.raw %v, there a second time %v, as a dead letter %v, which it "+
					"should be %v", at, known, seen[at], deadLetter, should)
			}
		}
		seen[at] = true
	}
	next := map[[2]int32]uint64{} // of a raw partition in a partition of results: offset+1
	for _, r := range classified.records {
		var m message.Classified
		harness.Must(b.T, json.Unmarshal(r.Value, &m))
		var call struct{ Partition int32 }
		harness.Must(b.T, json.Unmarshal(m.Call, &call))
		see(origin{call.Partition, m.Position}, false)
		way := [2]int32{call.Partition, r.Partition}
		if m.Position < next[way] {
			if wrong++; wrong == 1 {
				first = fmt.Sprintf("message %d:%d comes after %d", call.Partition, m.Position, next[way]-1)
			}
		}
		next[way] = m.Position + 1
	}
	for _, r := range deadLetters.records {
		var m deadletter.Message
		harness.Must(b.T, json.Unmarshal(r.Value, &m))
		see(origin{m.Partition, m.Position}, true)
	}
	if wrong > 0 {
		b.T.Errorf("%d results are wrong, the first: %s", wrong, first)
	}
	if len(seen) != len(raw.records) {
		b.T.Errorf("of %d messages %d are neither classified nor dead letters", len(raw.records), len(raw.records)-len(seen))
	}
	b.agrees("ledger, transactions and dead letters", fmt.Sprintf("[%d,%d,%d,%d,0]", len(raw.records),
		len(raw.records)-bad, bad, len(ids)), func() string {
		return b.SQL(`SELECT [(` + harness.OutcomesOfStream +
			`), (SELECT count() FROM outcomes FINAL WHERE pipeline = 'stream' AND outcome = 'stored'),
(SELECT count() FROM dead_letters FINAL WHERE pipeline = 'stream'), (SELECT uniqExact(id) FROM (SELECT id
FROM transactions FINAL UNION ALL
SELECT id FROM dead_letters FINAL WHERE state = 'open' AND outcome = 'dead_letter')),
(SELECT count() FROM transactions FINAL WHERE id IN (SELECT id FROM dead_letters FINAL WHERE state = 'open'))]`)
	})
	b.agrees("the contents of the table that are not of the last message", "0", func() string {
		stale := 0
		for _, line := range strings.Split(b.SQL("SELECT toString(id), content_hash FROM transactions FINAL WHERE pipeline "+
			"= 'stream'"), "\n") {
			id, hash, _ := strings.Cut(line, "\t")
			if fmt.Sprint(last[id]) != hash {
				stale++
			}
		}
		return fmt.Sprint(stale)
	})
	if want != "" {
		b.agrees("gold", want, b.Gold)
	}
	return tally{len(raw.records), len(deadLetters.records), classified.rolledBack + deadLetters.rolledBack}
}

// agrees waits a minute for what ClickHouse is still to read, and says where it differs.
func (b *liveBench) agrees(what, want string, read func() string) {
	b.T.Helper()
	var got string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-time.After(100 * time.Millisecond) {
		if got = read(); got == want {
			return
		}
	}
	b.T.Errorf("%s: %s", what, firstDifference(got, want))
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d is %q, want %q", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

// batchGold is what batch makes of the rows that stream produce sends.
func batchGold(t *testing.T, clickhouse string, rows int) string {
	t.Helper()
	w := harness.NewWorkbench(t, clickhouse)
	w.OK("data", "generate", "--rows", fmt.Sprint(rows), "--out", "same.csv")
	w.OK("run", "--source", "live", "same.csv")
	return w.Gold()
}
