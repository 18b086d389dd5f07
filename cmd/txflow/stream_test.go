package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/stream/message"
	"github.com/txflow/txflow/stream/topics"
)

// liveBench is a platform with Kafka, and an ML API, for one test.
type liveBench struct {
	*workbench
	platform *process
	brokers  string
}

func newLiveBench(t *testing.T, brokers string) *liveBench {
	t.Helper()
	b := &liveBench{workbench: &workbench{api: startMLServer(t)}, brokers: brokers}
	b.place = place{t: t, dir: t.TempDir()}
	embedded := ""
	if brokers == "" {
		embedded = "127.0.0.1:0"
	}
	b.platform = b.start("platform", "--data", b.dir+"/platform", "--clickhouse-addr", "127.0.0.1:0", "--kafka-addr", embedded, "--registry-addr", "")
	url := b.platform.find(t, &b.platform.stdout, `CLICKHOUSE_URL=(\S+)`)
	if brokers == "" {
		b.brokers = b.platform.find(t, &b.platform.stdout, `KAFKA_BROKERS=(\S+)`)
	}
	b.clickhouse = url + "/?database=txflow"
	b.env = []string{"CLICKHOUSE_URL=" + b.clickhouse, "ML_API_URL=" + b.api.URL, "KAFKA_BROKERS=" + b.brokers, "TXFLOW_SOURCE=live",
		"TXFLOW_STREAM_TRANSACTION_ROWS=500", "TXFLOW_BATCH_ROWS=250", "TXFLOW_CONCURRENCY=2"}
	if brokers != "" {
		b.ok("topics", "apply")
		b.ok("migrate", "--stream")
	}
	return b
}

func (b *liveBench) count(sql string, args ...any) (n int) {
	b.t.Helper()
	if _, err := fmt.Sscan(b.sql(sql, args...), &n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

const outcomesOfStream = "SELECT count() FROM outcomes FINAL WHERE pipeline = 'stream'"

// produce sends rows, bad messages and duplicates, and returns how many messages those were.
func (b *liveBench) produce(rows int) (messages, bad int) {
	b.t.Helper()
	r := b.ok("stream", "produce", "--count", fmt.Sprint(rows), "--bad", "0.01", "--duplicates", "0.05")
	text := strings.ReplaceAll(r.stderr.String(), ",", "")
	var duplicates int
	line := text[strings.LastIndex(strings.TrimSpace(text), "\n")+1:]
	if _, err := fmt.Sscanf(line, "%d messages are in transactions.raw: %d bad ones %d duplicates", &messages, &bad, &duplicates); err != nil {
		b.t.Fatalf("%q: %v", line, err)
	}
	if messages != rows+bad+duplicates || bad == 0 || duplicates == 0 {
		b.t.Fatalf("%d rows became %q", rows, line)
	}
	return messages, bad
}

// until waits for a condition as long as a minute.
func (b *liveBench) until(what string, holds func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("after a minute still not: %s", what)
		}
	}
}

// written reads a topic as far as it is committed: how often each origin stands in it.
func (b *liveBench) written(topic string, want int, origin func(value []byte) string) map[string]int {
	b.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.brokers), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	must(b.t, err)
	defer client.Close()
	seen, total := map[string]int{}, 0
	for wait := time.Minute; ; wait = 500 * time.Millisecond { // behind the last that is wanted none may follow
		if total < want {
			wait = time.Minute
		}
		ctx, cancel := context.WithTimeout(b.t.Context(), wait)
		fetches := client.PollFetches(ctx)
		cancel()
		if ctx.Err() != nil && fetches.NumRecords() == 0 {
			return seen
		}
		fetches.EachRecord(func(r *kgo.Record) { seen[origin(r.Value)]++; total++ })
	}
}

// verify checks that every message ended in exactly one place, in Kafka and in ClickHouse.
func (b *liveBench) verify(rows, messages, bad int) {
	b.t.Helper()
	b.until("all messages are in the ledger", func() bool { return b.count(outcomesOfStream) >= messages })
	classified := b.written(topics.Classified, messages-bad, func(value []byte) string {
		var m message.Classified
		must(b.t, json.Unmarshal(value, &m))
		var call struct{ Partition int }
		must(b.t, json.Unmarshal(m.Call, &call))
		return fmt.Sprint(call.Partition, ":", m.Position)
	})
	letters := b.written(topics.DeadLetters, bad, func(value []byte) string {
		var m message.DeadLetter
		must(b.t, json.Unmarshal(value, &m))
		return fmt.Sprint(m.Partition, ":", m.Position)
	})
	for origin, n := range letters {
		if classified[origin] > 0 || n != 1 {
			b.t.Errorf("message %s is classified %d times and a dead letter %d times", origin, classified[origin], n)
		}
	}
	for origin, n := range classified {
		if n != 1 {
			b.t.Errorf("message %s is classified %d times", origin, n)
		}
	}
	if len(classified) != messages-bad || len(letters) != bad {
		b.t.Errorf("%d messages are classified and %d are dead letters, want %d and %d", len(classified), len(letters), messages-bad, bad)
	}
	got := b.sql(`SELECT (` + outcomesOfStream + `), (SELECT count() FROM outcomes FINAL WHERE pipeline = 'stream' AND outcome = 'stored'),
(SELECT count() FROM dead_letters FINAL WHERE state = 'open'), (SELECT (count(), sum(amount)) FROM transactions FINAL)`)
	b.ok("data", "generate", "--rows", fmt.Sprint(rows), "--out", "same.csv")
	b.ok("run", "--source", "batch", "same.csv")
	sum := b.sql("SELECT sum(amount) FROM transactions FINAL WHERE source = 'batch'")
	if want := fmt.Sprintf("%d\t%d\t%d\t(%d,%s)", messages, messages-bad, bad, rows, sum); got != want {
		b.t.Errorf("ClickHouse holds %s, want %s", got, want)
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	defer func() { _ = l.Close() }() // the address is taken again at once
	return l.Addr().String()
}

// get returns the status and the text of an answer; 0 when there is none yet.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url) //nolint:gosec,noctx // a process of this test
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(t, err)
	return resp.StatusCode, string(text)
}

// TestStream kills members of the group again and again while messages come, with the ML API slow and then away.
func TestStream(t *testing.T) {
	t.Run("embedded Kafka", func(t *testing.T) { killMembers(t, newLiveBench(t, "")) })
	t.Run("Kafka", func(t *testing.T) {
		brokers := os.Getenv("TXFLOW_TEST_KAFKA")
		if brokers == "" {
			t.Skip("NOT RUN: no real Kafka; TXFLOW_TEST_KAFKA=HOST:PORT names an empty one")
		}
		killMembers(t, newLiveBench(t, brokers))
	})
}

func killMembers(t *testing.T, b *liveBench) {
	const rows = 10_000
	messages, bad := b.produce(rows)
	b.api.slow(10 * time.Millisecond)
	for _, part := range []int{10, 4, 2} {
		member := b.start("stream", "classify", "--instance", "a")
		member.killWhen(t, fmt.Sprintf("a part of %d is done", part), func() bool { return b.count(outcomesOfStream) > messages/part })
	}
	watch := freeAddr(t)
	first, second := b.start("stream", "classify", "--instance", "a"), b.start("stream", "classify", "--instance", "b", "--watch-addr", watch, "--stuck", "1s")
	second.find(t, &second.stderr, `(partitions assigned)`)
	first.kill() // what it had goes to the second
	if code, text := get(t, "http://"+watch+"/readyz"); code != http.StatusOK {
		t.Errorf("/readyz answers %d %s", code, text)
	}
	var away sync.Once
	var back time.Time
	b.api.harmWith(func(w http.ResponseWriter, r *http.Request, _ []byte, honest http.Handler) {
		away.Do(func() { back = time.Now().Add(3 * time.Second) })
		if time.Now().Before(back) {
			hangUp(w)
			return
		}
		honest.ServeHTTP(w, r)
	})
	again, badAgain := b.produce(rows) // the same once more
	messages, bad = messages+again, bad+badAgain
	b.until("/readyz says that messages are stuck", func() bool {
		code, _ := get(t, "http://"+watch+"/readyz")
		return code == http.StatusServiceUnavailable
	})
	b.until("all messages are in the ledger", func() bool { return b.count(outcomesOfStream) >= messages })
	b.until("/metrics tells that nothing waits", func() bool {
		_, text := get(t, "http://"+watch+"/metrics")
		return strings.Contains(text, `txflow_stream_messages_total{outcome="classified"}`) && strings.Contains(text, `txflow_stream_lag{partition="0"} 0`)
	})
	second.terminate(t)
	if code := second.wait(t); code != 0 {
		t.Errorf("a member that is told to end: exit %d\n%s", code, second.stderr.String())
	}
	b.verify(rows, messages, bad)
}

// TestPipelinesAreCompared runs the same rows through both, then a row more through one, and changes a category.
func TestPipelinesAreCompared(t *testing.T) {
	b := newLiveBench(t, "")
	b.ok("data", "generate", "--rows", "200", "--out", "same.csv")
	b.ok("data", "generate", "--rows", "201", "--out", "more.csv")
	b.ok("run", "--source", "live", "same.csv")
	b.ok("stream", "produce", "same.csv")
	member := b.start("stream", "classify")
	b.until("the stream stored all", func() bool { return b.count(outcomesOfStream) == 200 })
	if text := b.ok("reconcile", "--pipelines", "--source", "live").stdout.String(); !strings.Contains(text, `"status":"done"`) || !strings.Contains(text, `"counts":{"in":200}`) {
		t.Errorf("the same rows: %q", text)
	}
	b.ok("stream", "produce", "more.csv")
	b.until("the stream stored one more", func() bool { return b.count(outcomesOfStream) == 401 })
	member.kill()
	b.sql("INSERT INTO outcomes SELECT * REPLACE ('Travel' AS category) FROM (SELECT * FROM outcomes FINAL WHERE pipeline = 'batch' AND category = 'Rent' ORDER BY position LIMIT 1)")
	code, r := b.run("reconcile", "--pipelines", "--source", "live")
	if text := r.stderr.String(); code != batch.ExitData || !strings.Contains(text, "findings: 2") || !strings.Contains(text, "only_stream id ") || !strings.Contains(text, "category_differs id ") {
		t.Errorf("exit %d\n%s", code, text)
	}
}

// TestDeadLettersAreReplayed has the ML API refuse everything, mends it, and replays: in the end none is open and all is
// stored. Letters that can not be mended come back, and are left alone after so many times.
func TestDeadLettersAreReplayed(t *testing.T) {
	const rows = 300
	b := newLiveBench(t, "")
	messages, bad := b.produce(rows)
	b.api.harmWith(func(w http.ResponseWriter, _ *http.Request, _ []byte, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = w.Write([]byte(`{"detail":[{"msg":"not today"}]}`))
	})
	b.start("stream", "classify")
	open := func(more string) int {
		return b.count("SELECT count() FROM dead_letters FINAL WHERE state = 'open' %s", more)
	}
	b.until("all messages are dead letters", func() bool { return open("") == messages })
	if text := b.ok("dlq", "list", "--reason", "prediction_refused", "--limit", "1").stdout.String(); !strings.Contains(text, "not today") {
		t.Errorf("dlq list: %s", text)
	}
	b.api.harm.Store(nil)
	if text := b.ok("dlq", "replay", "--reason", "prediction_refused", "--dry-run").stdout.String(); text != fmt.Sprintf("%d letters would be replayed\n", messages-bad) {
		t.Errorf("the dry run says %q", text)
	}
	if text := b.ok("dlq", "replay", "--reason", "prediction_refused").stdout.String(); !strings.Contains(text, fmt.Sprintf(`"counts":{"in":%d}`, messages-bad)) {
		t.Errorf("replay says %q", text)
	}
	b.until("all rows are stored", func() bool { return b.count("SELECT count() FROM transactions FINAL") == rows })
	if n := open(" AND code = 'prediction_refused'"); n != 0 {
		t.Errorf("%d refused letters are open", n)
	}
	for i := 1; i <= 2; i++ {
		b.ok("dlq", "replay", "--max-replays", "2")
		b.until("bad letters come back", func() bool { return open(fmt.Sprintf(" AND replays = %d", i)) == bad && open("") == bad })
	}
	if code, r := b.run("dlq", "replay", "--max-replays", "2"); code != batch.ExitNothing || !strings.Contains(r.stdout.String(), `"status":"nothing"`) {
		t.Errorf("letters that came back twice: exit %d, %q", code, r.stdout.String())
	}
	b.ok("dlq", "purge", "--reason", "message_format")
	b.ok("dlq", "purge")
	if text := b.ok("dlq", "stats").stderr.String(); !strings.Contains(text, "0 letters") || open("") != 0 {
		t.Errorf("after purge: %s", text)
	}
}

// TestStreamWithoutKafka says what is missing and what to do.
func TestStreamWithoutKafka(t *testing.T) {
	p := place{t: t, dir: t.TempDir(), env: []string{"KAFKA_BROKERS=127.0.0.1:1"}}
	code, r := p.run("topics", "apply")
	if text := r.stderr.String(); code != batch.ExitUnavailable || !strings.Contains(text, "Kafka at 127.0.0.1:1") || !strings.Contains(text, "txflow platform") {
		t.Errorf("exit %d\n%s", code, text)
	}
}
