package stream

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

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/fault"
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
	b.T.Helper()
	var text strings.Builder
	text.WriteString("id,description,amount,timestamp,merchant,operation_type,side\n")
	for i := range correctedRows {
		fmt.Fprintf(&text, "%d,row %d %s,-%d.25,2024-05-%02d 12:00:00,,card,debit\n", i, i, mark, i+1, i%28+1)
	}
	file = filepath.Join(b.Dir, strings.ReplaceAll(mark, " ", "-")+".csv")
	harness.Must(b.T, os.WriteFile(file, []byte(text.String()), 0o600))
	return file
}

// says checks that each id has the contents of one file in the table.
func (b *liveBench) says(when, mark string) {
	b.T.Helper()
	b.agrees(when, fmt.Sprintf("[%d,%d]", correctedRows, correctedRows), func() string {
		return b.SQL("SELECT [count(), countIf(endsWith(description, ' %s'))] FROM transactions FINAL WHERE source = 'live'",
			mark)
	})
}

// unreliable is an ML API whose answers take differently long, fail now and then, and refuse one row of the first file.
func (b *liveBench) unreliable() {
	var calls atomic.Int64
	b.API.HarmWith(func(w http.ResponseWriter, r *http.Request, body []byte, honest http.Handler) {
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

// slowClock is a member in this process, whose clock is an hour late.
func (b *liveBench) slowClock() (stop func()) {
	b.T.Helper()
	late := func() time.Time { return time.Now().Add(-time.Hour) }
	api, err := client.New(client.Config{URL: secret.NewURL(b.API.URL), OutageLimit: time.Hour, MaxConcurrency: 2})
	harness.Must(b.T, err)
	session, err := kafka.OpenSession(b.T.Context(), kafka.SessionConfig{Config: kafka.Config{Brokers: b.Brokers, Log: slog.New(slog.DiscardHandler)},
		Topic: topics.Raw, Group: "txflow-classify", Instance: "late", Now: late})
	harness.Must(b.T, err)
	ctx, cancel := context.WithCancel(b.T.Context())
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
			b.T.Error(err)
		}
		harness.Must(b.T, session.Close())
		api.Close()
	}
}

// readAgain has ClickHouse read both topics from the beginning. The platform must not attach the tables before that.
func (b *liveBench) readAgain() {
	b.T.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(b.Brokers))
	harness.Must(b.T, err)
	defer c.Close()
	admin, written, rows := kadm.NewClient(c), map[string][]*kgo.Record{}, 0
	for topic := range clickHouseGroups {
		written[topic] = b.read(topic).records
		rows += len(written[topic])
	}
	readAll := func() bool { return b.clickHouseHasRead(admin, written) }
	b.Until("ClickHouse has read everything", readAll)
	const read = "SELECT sum(value) FROM system.events WHERE event = 'KafkaRowsRead'"
	before := b.Count(read)
	for _, table := range []string{"kafka_classified", "kafka_dead_letters"} {
		b.SQL("DETACH TABLE %s SYNC", table)
	}
	for _, group := range clickHouseGroups {
		b.Until("the group "+group+" is deleted", func() bool {
			b.leaves(c, group)
			_, err := admin.DeleteGroup(b.T.Context(), group)
			return err == nil
		})
	}
	if readAll() {
		b.T.Fatal("the groups are still there")
	}
	for _, table := range []string{"kafka_classified", "kafka_dead_letters"} {
		b.SQL("ATTACH TABLE %s", table)
	}
	b.Until("ClickHouse has read everything again", readAll)
	if n := b.Count(read); n < before+rows {
		b.T.Errorf("ClickHouse read %d rows again, want %d", n-before, rows)
	}
}

// leaves takes the members of a table that is detached out of their group, which would wait for them.
func (b *liveBench) leaves(c *kgo.Client, group string) {
	b.T.Helper()
	described, err := kadm.NewClient(c).DescribeGroups(b.T.Context(), group)
	harness.Must(b.T, err)
	for _, m := range described[group].Members {
		member, leave := kmsg.NewLeaveGroupRequestMember(), kmsg.NewPtrLeaveGroupRequest()
		member.MemberID, member.InstanceID = m.MemberID, m.InstanceID
		leave.Group, leave.Members = group, []kmsg.LeaveGroupRequestMember{member}
		_, err := leave.RequestWith(b.T.Context(), c)
		harness.Must(b.T, err)
	}
}

// TestCorrections sends other contents under the same ids, and asks the table: the later message wins, whichever the ML
// API answered first, whatever it refused, whichever member was at it with which clock, also after an older one was
// replayed and all was delivered again. Then the stream adds up.
func TestCorrections(t *testing.T) {
	b := newLiveBench(t, "TXFLOW_STALLED_AFTER=1h") // it leaves tables that are detached to this test
	b.Env = append(b.Env, "TXFLOW_STREAM_TRANSACTION_ROWS=400", "TXFLOW_BATCH_ROWS=50", "TXFLOW_CONCURRENCY=8")
	b.unreliable()
	for _, mark := range []string{"first", "second"} {
		b.OK("stream", "produce", b.corrected(mark))
	}
	member := b.Member("a")
	inLedger := func(n int) func() bool { return func() bool { return b.Count(harness.OutcomesOfStream) == n } }
	b.Until("all is in the ledger", inLedger(2*correctedRows))
	b.says("with an unreliable ML API", "second")

	b.API.Harm.Store(nil)
	b.OK("dlq", "replay", "--reason", "prediction_refused")
	b.Until("the replay is in the ledger", inLedger(2*correctedRows+1))
	b.says("when a dead letter that is older was replayed", "second")

	member.Kill()
	stop := b.slowClock()
	b.OK("stream", "produce", b.corrected("third"))
	b.Until("the third file is in the ledger", inLedger(3*correctedRows+1))
	stop()
	b.says("by a member whose clock is an hour late", "third")

	b.readAgain()
	b.says("when all was delivered again", "third")
	if text := b.OK("reconcile", "--stream").Stdout.String(); !strings.Contains(text,
		fmt.Sprintf(`"in":%d`, 3*correctedRows+1)) {
		t.Errorf("reconcile says %s", text)
	}
}

// TestReconcileStream changes rows of every table behind txflow's back, each of which it finds; without that it finds
// nothing, reads on where it ended, and asks for an answer about what retention deleted.
func TestReconcileStream(t *testing.T) {
	b := newLiveBench(t)
	b.OK("stream", "produce", "--count", "400", "--bad", "0.2")
	member := b.Member("a")
	sent := int(b.sentTo(topics.Raw))
	b.Until("all is in the ledger", func() bool { return b.Count(harness.OutcomesOfStream) == sent })
	in := func(n int) {
		t.Helper()
		want := fmt.Sprintf(`"in":%d,`, n)
		if n == 0 {
			want = `"counts":{"in":0}`
		}
		if text := b.OK("reconcile", "--stream").Stdout.String(); !strings.Contains(text, want) {
			t.Errorf("reconcile says %s, want %s", text, want)
		}
	}
	in(sent)
	in(0)
	b.OK("stream", "produce", "--count", "100", "--seed", "7", "--source", "other") // other ids
	b.Until("the next ones are in the ledger", func() bool { return b.Count(harness.OutcomesOfStream) == sent+100 })
	in(100)
	member.Terminate(t)
	member.Wait(t)

	c, err := kgo.NewClient(kgo.SeedBrokers(b.Brokers))
	harness.Must(t, err)
	defer c.Close()
	admin := kadm.NewClient(c)
	_, err = admin.DeleteGroup(t.Context(), "txflow-reconcile.txflow-classify")
	harness.Must(t, err)
	nth := func(outcome string, n int) string {
		return fmt.Sprintf("(partition, position) = (SELECT (partition, position) FROM outcomes FINAL WHERE outcome = '%s' ORDER BY partition, position LIMIT 1 OFFSET %d)", outcome, n)
	}
	b.SQL("DELETE FROM transactions WHERE id = (SELECT id FROM outcomes FINAL WHERE outcome = 'stored' ORDER BY partition, position LIMIT 1 OFFSET 1)")
	b.SQL("ALTER TABLE transactions UPDATE category = if(category = 'Rent', 'Food', 'Rent') WHERE id = (SELECT id FROM outcomes FINAL WHERE outcome = 'stored' ORDER BY partition, position LIMIT 1 OFFSET 2) SETTINGS mutations_sync = 2")
	b.SQL("DELETE FROM dead_letters WHERE %s", nth("rejected", 1))
	b.SQL("ALTER TABLE outcomes UPDATE content_hash = content_hash + 1 WHERE %s SETTINGS mutations_sync = 2",
		nth("stored", 4))
	b.SQL("ALTER TABLE transactions UPDATE content_hash = content_hash + 1 WHERE id = (SELECT id FROM outcomes FINAL WHERE outcome = 'stored' ORDER BY partition, position LIMIT 1 OFFSET 4) SETTINGS mutations_sync = 2")
	b.SQL("DELETE FROM outcomes WHERE %s", nth("stored", 5))
	b.SQL("SYSTEM STOP MERGES outcomes") // a merge would keep one of the two
	b.SQL("INSERT INTO outcomes SELECT * REPLACE (code || '_other' AS code) FROM outcomes FINAL WHERE %s",
		nth("rejected", 3))
	for range 2 { // it starts again where it started
		code, r := b.Run("reconcile", "--stream", "--findings", "5")
		text := r.Stderr.String()
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
	b.OK("stream", "produce", "--count", "300")
	member := b.Member("a")
	b.Until("all is in the ledger", func() bool { return b.Count(harness.OutcomesOfStream) == 300 })
	member.Terminate(t)
	member.Wait(t)
	b.OK("reconcile", "--stream")
	b.OK("stream", "produce", "--count", "300", "--seed", "5")
	c, err := kgo.NewClient(kgo.SeedBrokers(b.Brokers))
	harness.Must(t, err)
	defer c.Close()
	admin := kadm.NewClient(c)
	committed, err := admin.FetchOffsets(t.Context(), "txflow-classify")
	harness.Must(t, err)
	at, ok := committed.Lookup(topics.Raw, 0)
	if !ok {
		t.Fatal("nothing is committed of partition 0")
	}
	offsets := kadm.Offsets{}
	offsets.AddOffset(topics.Raw, 0, at.At+3, -1)
	_, err = admin.DeleteRecords(t.Context(), offsets)
	harness.Must(t, err)
	finds := func(when string) {
		t.Helper()
		code, r := b.Run("reconcile", "--stream")
		if text := r.Stderr.String(); code != fault.ExitData || strings.Count(text, "gap at transactions.raw/0:") != 1 ||
			!strings.Contains(text, "--accept-gap") {
			t.Errorf("%s: exit %d\n%s", when, code, text)
		}
	}
	finds("before a member sees it")
	member = b.Member("a", "TXFLOW_STREAM_WATCH_ADDR="+harness.FreeAddr(t))
	b.Until("the rest is in the ledger", func() bool { return b.Count(harness.OutcomesOfStream) == 600-3+1 })
	member.Find(t, &member.Stderr, `(retention deleted offsets before they were read)`)
	finds("when a member recorded it")
	if text := b.OK("dlq", "list", "--reason", "offsets_deleted").Stdout.String(); !strings.Contains(text,
		"offsets_deleted") {
		t.Errorf("dlq list: %s", text)
	}
	if code, r := b.Run("dlq", "replay", "--reason", "offsets_deleted"); code != fault.ExitNothing {
		t.Errorf("a replay of deleted offsets: exit %d\n%s", code, r.Stderr.String())
	}
	b.OK("reconcile", "--stream", "--accept-gap")
	b.OK("reconcile", "--stream")
}

// sentTo is how many messages stand in a topic that nobody writes to in transactions.
func (b *liveBench) sentTo(topic string) (messages int64) {
	b.T.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(b.Brokers))
	harness.Must(b.T, err)
	defer c.Close()
	ends, err := kadm.NewClient(c).ListEndOffsets(b.T.Context(), topic)
	harness.Must(b.T, err)
	ends.Each(func(o kadm.ListedOffset) { messages += o.Offset })
	return messages
}

// noObserver looks at nothing.
type noObserver struct{}

func (noObserver) Begin(int)          {}
func (noObserver) End(pipeline.Stats) {}
