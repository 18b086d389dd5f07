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
			// the caller waits for it
			_, _ = w.Write([]byte(`{"detail":[{"loc":["body",0,"description"],"msg":"poison","type":"value_error"}]}`))
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
	session, err := kafka.OpenSession(b.T.Context(),
		kafka.SessionConfig{Config: kafka.Config{Brokers: b.Brokers, Log: slog.New(slog.DiscardHandler)},
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

// noObserver looks at nothing.
type noObserver struct{}

func (noObserver) Begin(int)          {}
func (noObserver) End(pipeline.Stats) {}
