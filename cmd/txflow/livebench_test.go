package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// liveBench is a platform with Kafka, and an ML API, for one test.
type liveBench struct {
	*workbench
	platform *process
	server   string // ClickHouse, without the database
	brokers  string
	members  []*process // of the group, also those that ended
}

// newLiveBench has the embedded Kafka; env is the platform's environment.
func newLiveBench(t *testing.T, env ...string) *liveBench {
	t.Helper()
	b := &liveBench{workbench: &workbench{api: startMLServer(t), place: place{t: t, dir: t.TempDir(), env: env}}}
	b.startPlatform("127.0.0.1:0", "127.0.0.1:0", "")
	b.connect(b.platform.find(t, &b.platform.stdout, `KAFKA_BROKERS=(\S+)`))
	return b
}

func (b *liveBench) startPlatform(clickhouse, kafka, registry string) {
	b.t.Helper()
	b.platform = b.start("platform", "--data", filepath.Join(b.dir, "platform"), "--clickhouse-addr", clickhouse,
		"--kafka-addr", kafka, "--registry-addr", registry)
	b.server = b.platform.find(b.t, &b.platform.stdout, `CLICKHOUSE_URL=(\S+)`)
	b.clickhouse = b.server + "/?database=txflow"
}

// connect tells the processes to come where everything is.
func (b *liveBench) connect(brokers string) {
	b.brokers = brokers
	b.env = []string{"CLICKHOUSE_URL=" + b.clickhouse, "ML_API_URL=" + b.api.URL, "KAFKA_BROKERS=" + brokers,
		"TXFLOW_SOURCE=live",
		"TXFLOW_STREAM_TRANSACTION_ROWS=500", "TXFLOW_BATCH_ROWS=250", "TXFLOW_CONCURRENCY=2", "TXFLOW_LOG_LEVEL=debug"}
}

// member starts a member of the group; more is its environment.
func (b *liveBench) member(instance string, more ...string) *process {
	b.t.Helper()
	p := b.place
	p.env = append(slices.Clone(p.env), more...)
	m := p.start("stream", "classify", "--instance", instance)
	b.members = append(b.members, m)
	return m
}

// passed is how many messages the members took through a step of a transaction, by their logs; one that came again
// counts again.
func (b *liveBench) passed(step string) (messages int) {
	for _, m := range b.members {
		messages += m.passed(step)
	}
	return messages
}

func (r *process) passed(step string) (messages int) {
	for _, found := range regexp.MustCompile(`"step":"`+step+`","messages":(\d+)`).FindAllStringSubmatch(r.stderr.String(),
		-1) {
		n, _ := strconv.Atoi(found[1]) // they are digits
		messages += n
	}
	return messages
}

func (b *liveBench) count(sql string, args ...any) (n int) {
	b.t.Helper()
	if _, err := fmt.Sscan(b.sql(sql, args...), &n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

const outcomesOfStream = "SELECT count() FROM outcomes FINAL WHERE pipeline = 'stream'"

// produce sends rows, bad messages, duplicates and corrections, and returns how many messages those were.
func (b *liveBench) produce(rows int) (messages, bad int) {
	b.t.Helper()
	r := b.ok("stream", "produce", "--count", fmt.Sprint(rows), "--bad", "0.01", "--duplicates", "0.05", "--corrections",
		"0.05")
	text := strings.ReplaceAll(r.stderr.String(), ",", "")
	var duplicates, corrections int
	line := text[strings.LastIndex(strings.TrimSpace(text), "\n")+1:]
	if _, err := fmt.Sscanf(line, "%d messages are in transactions.raw: %d bad ones %d duplicates and %d corrections",
		&messages, &bad, &duplicates, &corrections); err != nil {
		b.t.Fatalf("%q: %v", line, err)
	}
	if messages != rows+bad+duplicates+corrections || bad == 0 || duplicates == 0 || corrections == 0 {
		b.t.Fatalf("%d rows became %q", rows, line)
	}
	return messages, bad
}

// until waits for a condition, as long as three minutes.
func (b *liveBench) until(what string, holds func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !holds(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("after three minutes still not: %s", what)
		}
	}
}

// reaches waits for a count, as long as it changes every three minutes: how long all takes depends on the machine.
func (b *liveBench) reaches(what string, want int, count func() int) {
	b.t.Helper()
	last, deadline := count(), time.Now().Add(3*time.Minute)
	for ; last < want; <-time.After(20 * time.Millisecond) {
		now := count()
		if now != last {
			last, deadline = now, time.Now().Add(3*time.Minute)
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("for three minutes %d of %d: %s", last, want, what)
		}
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
