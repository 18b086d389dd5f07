package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/ml_api/client"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/topics"
	"github.com/txflow/txflow/stream/transactions"
	"github.com/txflow/txflow/stream/transactions/classify"
)

const correctedRows = 600

// corrected writes a file of the same ids with contents of their own. Rows of the mark first may be refused by the ML
// API.
func (b *liveBench) corrected(mark string) (file string) {
	b.t.Helper()
	var text strings.Builder
	text.WriteString("id,description,amount,timestamp,merchant,operation_type,side\n")
	for i := range correctedRows {
		fmt.Fprintf(&text, "%d,row %d %s,-%d.25,2024-05-%02d 12:00:00,,card,debit\n", i, i, mark, i+1, i%28+1)
	}
	file = filepath.Join(b.dir, strings.ReplaceAll(mark, " ", "-")+".csv")
	must(b.t, os.WriteFile(file, []byte(text.String()), 0o600))
	return file
}

// says checks that each id has the contents of one file in the table.
func (b *liveBench) says(when, mark string) {
	b.t.Helper()
	b.agrees(when, fmt.Sprintf("[%d,%d]", correctedRows, correctedRows), func() string {
		return b.sql("SELECT [count(), countIf(endsWith(description, ' %s'))] FROM transactions FINAL WHERE source = 'live'",
			mark)
	})
}

// unreliable is an ML API whose answers take differently long, fail now and then, and refuse one row of the first file.
func (b *liveBench) unreliable() {
	var calls atomic.Int64
	b.api.harmWith(func(w http.ResponseWriter, r *http.Request, body []byte, honest http.Handler) {
		n := calls.Add(1)
		<-time.After(time.Duration(n*7919%200) * time.Millisecond)
		switch {
		case bytes.Contains(body, []byte("row 17 first")):
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = w.Write([]byte(`{"detail":[{"loc":["body",0,"description"],"msg":"poison","type":"value_error"}]}`)) // the caller waits for it
		case n%5 == 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			honest.ServeHTTP(w, r)
		}
	})
}

// slowClock is a member in this process, whose clock is an hour behind.
func (b *liveBench) slowClock() (stop func()) {
	b.t.Helper()
	late := func() time.Time { return time.Now().Add(-time.Hour) }
	api, err := client.New(client.Config{URL: secret.NewURL(b.api.URL), OutageLimit: time.Hour, MaxConcurrency: 2})
	must(b.t, err)
	session, err := kafka.OpenSession(b.t.Context(), kafka.SessionConfig{Config: kafka.Config{Brokers: b.brokers, Log: slog.New(slog.DiscardHandler)},
		Topic: topics.Raw, Group: "txflow-classify", Instance: "late", Now: late})
	must(b.t, err)
	ctx, cancel := context.WithCancel(b.t.Context())
	ended := make(chan error, 1)
	go func() {
		handler := classify.New(api, classify.Config{Source: "live", Now: late, BatchRows: 50, Concurrency: 2})
		ended <- pipeline.New(session, handler, pipeline.Config{Name: transactions.Name, Ledger: transactions.Ledger,
			Topic:       topics.Raw,
			DeadLetters: topics.DeadLetters, Group: "txflow-classify", Now: late, Tracer: noop.NewTracerProvider().Tracer(""),
			Log: slog.New(slog.DiscardHandler), Observer: noObserver{}, BatchMessages: 200, MaxMessage: pipeline.MessageLimit,
			MaxWait: 10 * time.Millisecond, DrainLimit: time.Minute}).Run(ctx)
	}()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			b.t.Error(err)
		}
		must(b.t, session.Close())
		api.Close()
	}
}

// readAgain has ClickHouse read both topics from the beginning. The platform must not attach the tables before that.
func (b *liveBench) readAgain() {
	b.t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(b.brokers))
	must(b.t, err)
	defer c.Close()
	admin, written, rows := kadm.NewClient(c), map[string][]*kgo.Record{}, 0
	for topic := range clickHouseGroups {
		written[topic] = b.read(topic).records
		rows += len(written[topic])
	}
	readAll := func() bool { return b.clickHouseHasRead(admin, written) }
	b.until("ClickHouse has read everything", readAll)
	const read = "SELECT sum(value) FROM system.events WHERE event = 'KafkaRowsRead'"
	before := b.count(read)
	for _, table := range []string{"kafka_classified", "kafka_dead_letters"} {
		b.sql("DETACH TABLE %s SYNC", table)
	}
	for _, group := range clickHouseGroups {
		b.until("the group "+group+" is deleted", func() bool {
			b.leaves(c, group)
			_, err := admin.DeleteGroup(b.t.Context(), group)
			return err == nil
		})
	}
	if readAll() {
		b.t.Fatal("the groups are still there")
	}
	for _, table := range []string{"kafka_classified", "kafka_dead_letters"} {
		b.sql("ATTACH TABLE %s", table)
	}
	b.until("ClickHouse has read everything again", readAll)
	if n := b.count(read); n < before+rows {
		b.t.Errorf("ClickHouse read %d rows again, want %d", n-before, rows)
	}
}

// leaves takes the members of a table that is detached out of their group, which would wait for them.
func (b *liveBench) leaves(c *kgo.Client, group string) {
	b.t.Helper()
	described, err := kadm.NewClient(c).DescribeGroups(b.t.Context(), group)
	must(b.t, err)
	for _, m := range described[group].Members {
		member, leave := kmsg.NewLeaveGroupRequestMember(), kmsg.NewPtrLeaveGroupRequest()
		member.MemberID, member.InstanceID = m.MemberID, m.InstanceID
		leave.Group, leave.Members = group, []kmsg.LeaveGroupRequestMember{member}
		_, err := leave.RequestWith(b.t.Context(), c)
		must(b.t, err)
	}
}

// TestCorrections sends other contents under the same ids, and asks the table: the later message wins, whichever the ML
// API answered first, whatever it refused, whichever member was at it with which clock, also after an older one was
// replayed and all was delivered again. Then the stream adds up.
func TestCorrections(t *testing.T) {
	b := newLiveBench(t, "TXFLOW_STALLED_AFTER=1h") // it leaves tables that are detached to this test
	b.env = append(b.env, "TXFLOW_STREAM_TRANSACTION_ROWS=400", "TXFLOW_BATCH_ROWS=50", "TXFLOW_CONCURRENCY=8")
	b.unreliable()
	for _, mark := range []string{"first", "second"} {
		b.ok("stream", "produce", b.corrected(mark))
	}
	member := b.member("a")
	inLedger := func(n int) func() bool { return func() bool { return b.count(outcomesOfStream) == n } }
	b.until("all is in the ledger", inLedger(2*correctedRows))
	b.says("with an unreliable ML API", "second")

	b.api.harm.Store(nil)
	b.ok("dlq", "replay", "--reason", "prediction_refused")
	b.until("the replay is in the ledger", inLedger(2*correctedRows+1))
	b.says("when a dead letter that is older was replayed", "second")

	member.kill()
	stop := b.slowClock()
	b.ok("stream", "produce", b.corrected("third"))
	b.until("the third file is in the ledger", inLedger(3*correctedRows+1))
	stop()
	b.says("by a member whose clock is an hour behind", "third")

	b.readAgain()
	b.says("when all was delivered again", "third")
	if text := b.ok("reconcile", "--stream").stdout.String(); !strings.Contains(text,
		fmt.Sprintf(`"in":%d`, 3*correctedRows+1)) {
		t.Errorf("reconcile says %s", text)
	}
}

// TestReconcileStream changes rows of every table behind txflow's back, each of which it finds; without that it finds
// nothing, reads on where it ended, and asks for an answer about what retention deleted.
func TestReconcileStream(t *testing.T) {
	b := newLiveBench(t)
	b.ok("stream", "produce", "--count", "400", "--bad", "0.2")
	member := b.member("a")
	sent := int(b.sentTo(topics.Raw))
	b.until("all is in the ledger", func() bool { return b.count(outcomesOfStream) == sent })
	in := func(n int) {
		t.Helper()
		want := fmt.Sprintf(`"in":%d,`, n)
		if n == 0 {
			want = `"counts":{"in":0}`
		}
		if text := b.ok("reconcile", "--stream").stdout.String(); !strings.Contains(text, want) {
			t.Errorf("reconcile says %s, want %s", text, want)
		}
	}
	in(sent)
	in(0)
	b.ok("stream", "produce", "--count", "100", "--seed", "7", "--source", "other") // other ids
	b.until("the next ones are in the ledger", func() bool { return b.count(outcomesOfStream) == sent+100 })
	in(100)
	member.terminate(t)
	member.wait(t)

	c, err := kgo.NewClient(kgo.SeedBrokers(b.brokers))
	must(t, err)
	defer c.Close()
	admin := kadm.NewClient(c)
	_, err = admin.DeleteGroup(t.Context(), "txflow-reconcile.txflow-classify")
	must(t, err)
	nth := func(outcome string, n int) string {
		return fmt.Sprintf("(partition, position) = (SELECT (partition, position) FROM outcomes FINAL WHERE outcome = '%s' ORDER BY partition, position LIMIT 1 OFFSET %d)", outcome, n)
	}
	b.sql("DELETE FROM transactions WHERE id = (SELECT id FROM outcomes FINAL WHERE outcome = 'stored' ORDER BY partition, position LIMIT 1 OFFSET 1)")
	b.sql("ALTER TABLE transactions UPDATE category = if(category = 'Rent', 'Food', 'Rent') WHERE id = (SELECT id FROM outcomes FINAL WHERE outcome = 'stored' ORDER BY partition, position LIMIT 1 OFFSET 2) SETTINGS mutations_sync = 2")
	b.sql("DELETE FROM dead_letters WHERE %s", nth("rejected", 1))
	b.sql("ALTER TABLE outcomes UPDATE content_hash = content_hash + 1 WHERE %s SETTINGS mutations_sync = 2",
		nth("stored", 4))
	b.sql("ALTER TABLE transactions UPDATE content_hash = content_hash + 1 WHERE id = (SELECT id FROM outcomes FINAL WHERE outcome = 'stored' ORDER BY partition, position LIMIT 1 OFFSET 4) SETTINGS mutations_sync = 2")
	b.sql("DELETE FROM outcomes WHERE %s", nth("stored", 5))
	b.sql("SYSTEM STOP MERGES outcomes") // a merge would keep one of the two
	b.sql("INSERT INTO outcomes SELECT * REPLACE (code || '_other' AS code) FROM outcomes FINAL WHERE %s",
		nth("rejected", 3))
	for range 2 { // it starts again where it started
		code, r := b.run("reconcile", "--stream", "--findings", "5")
		text := r.stderr.String()
		for _, kind := range []string{"missing id ", "changed id ", "no_dead_letter ", "doubled ", "other_row id ",
			"unaccounted at "} {
			if n := strings.Count(text, kind); n != 1 {
				t.Errorf("%q is found %d times", kind, n)
			}
		}
		if code != fault.ExitData {
			t.Errorf("exit %d", code)
		}
		if t.Failed() {
			t.Log(text)
		}
	}
}

// TestStreamGap has retention delete what nobody has read: it is a dead letter, and a finding until it is accepted.
func TestStreamGap(t *testing.T) {
	b := newLiveBench(t)
	b.ok("stream", "produce", "--count", "300")
	member := b.member("a")
	b.until("all is in the ledger", func() bool { return b.count(outcomesOfStream) == 300 })
	member.terminate(t)
	member.wait(t)
	b.ok("reconcile", "--stream")
	b.ok("stream", "produce", "--count", "300", "--seed", "5")
	c, err := kgo.NewClient(kgo.SeedBrokers(b.brokers))
	must(t, err)
	defer c.Close()
	admin := kadm.NewClient(c)
	committed, err := admin.FetchOffsets(t.Context(), "txflow-classify")
	must(t, err)
	at, ok := committed.Lookup(topics.Raw, 0)
	if !ok {
		t.Fatal("nothing is committed of partition 0")
	}
	offsets := kadm.Offsets{}
	offsets.AddOffset(topics.Raw, 0, at.At+3, -1)
	_, err = admin.DeleteRecords(t.Context(), offsets)
	must(t, err)
	finds := func(when string) {
		t.Helper()
		code, r := b.run("reconcile", "--stream")
		if text := r.stderr.String(); code != fault.ExitData || strings.Count(text, "gap at transactions.raw/0:") != 1 ||
			!strings.Contains(text, "--accept-gap") {
			t.Errorf("%s: exit %d\n%s", when, code, text)
		}
	}
	finds("before a member sees it")
	member = b.member("a", "TXFLOW_STREAM_WATCH_ADDR="+freeAddr(t))
	b.until("the rest is in the ledger", func() bool { return b.count(outcomesOfStream) == 600-3+1 })
	member.find(t, &member.stderr, `(retention deleted offsets before they were read)`)
	finds("when a member recorded it")
	if text := b.ok("dlq", "list", "--reason", "offsets_deleted").stdout.String(); !strings.Contains(text,
		"offsets_deleted") {
		t.Errorf("dlq list: %s", text)
	}
	if code, r := b.run("dlq", "replay", "--reason", "offsets_deleted"); code != fault.ExitNothing {
		t.Errorf("a replay of deleted offsets: exit %d\n%s", code, r.stderr.String())
	}
	b.ok("reconcile", "--stream", "--accept-gap")
	b.ok("reconcile", "--stream")
}

// sentTo is how many messages stand in a topic that nobody writes to in transactions.
func (b *liveBench) sentTo(topic string) (messages int64) {
	b.t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(b.brokers))
	must(b.t, err)
	defer c.Close()
	ends, err := kadm.NewClient(c).ListEndOffsets(b.t.Context(), topic)
	must(b.t, err)
	ends.Each(func(o kadm.ListedOffset) { messages += o.Offset })
	return messages
}

// noObserver looks at nothing.
type noObserver struct{}

func (noObserver) Begin(int)          {}
func (noObserver) End(pipeline.Stats) {}
