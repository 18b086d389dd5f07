package harness

import (
	"fmt"
	"io"
	"math/rand/v2"
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

// Live is a platform with Kafka, and an ML API, for one test.
type Live struct {
	*Workbench
	Platform *Process
	Server   string // ClickHouse, without the database
	Brokers  string
	Members  []*Process // of the group, also those that ended
}

// NewLive has the embedded Kafka; env is the platform's environment.
func NewLive(t *testing.T, env ...string) *Live {
	t.Helper()
	b := &Live{Workbench: &Workbench{API: StartMLAPI(t), Place: Place{T: t, Dir: t.TempDir(), Env: env}}}
	b.StartPlatform("127.0.0.1:0", "127.0.0.1:0", "")
	b.Connect(b.Platform.Find(t, &b.Platform.Stdout, `KAFKA_BROKERS=(\S+)`))
	return b
}

// StartPlatform starts ClickHouse, Kafka and a registry at addresses; "" for none.
func (b *Live) StartPlatform(clickhouse, kafka, registry string) {
	b.T.Helper()
	b.Platform = b.Start("platform", "--data", filepath.Join(b.Dir, "platform"), "--clickhouse-addr", clickhouse,
		"--kafka-addr", kafka, "--registry-addr", registry)
	b.Server = b.Platform.Find(b.T, &b.Platform.Stdout, `CLICKHOUSE_URL=(\S+)`)
	b.ClickHouse = b.Server + "/?database=txflow"
}

// Connect sets the addresses of the services for processes that are started later.
func (b *Live) Connect(brokers string) {
	b.Brokers = brokers
	b.Env = []string{"CLICKHOUSE_URL=" + b.ClickHouse, "ML_API_URL=" + b.API.URL, "KAFKA_BROKERS=" + brokers,
		"TXFLOW_SOURCE=live",
		"TXFLOW_STREAM_TRANSACTION_ROWS=500", "TXFLOW_BATCH_ROWS=250", "TXFLOW_CONCURRENCY=2", "TXFLOW_LOG_LEVEL=debug"}
}

// Member starts a member of the group; more is its environment.
func (b *Live) Member(instance string, more ...string) *Process {
	b.T.Helper()
	p := b.Place
	p.Env = append(slices.Clone(p.Env), more...)
	m := p.Start("stream", "classify", "--instance", instance)
	b.Members = append(b.Members, m)
	return m
}

// Passed is how many messages the members took through a step of a transaction, by their logs; one that came again
// counts again.
func (b *Live) Passed(step string) (messages int) {
	for _, m := range b.Members {
		messages += m.Passed(step)
	}
	return messages
}

// Passed is how many messages a member took through a step.
func (r *Process) Passed(step string) (messages int) {
	for _, found := range regexp.MustCompile(`"step":"`+step+`","messages":(\d+)`).FindAllStringSubmatch(r.Stderr.String(),
		-1) {
		n, _ := strconv.Atoi(found[1]) // they are digits
		messages += n
	}
	return messages
}

// Count is a number that ClickHouse answers.
func (b *Live) Count(sql string, args ...any) (n int) {
	b.T.Helper()
	if _, err := fmt.Sscan(b.SQL(sql, args...), &n); err != nil {
		b.T.Fatal(err)
	}
	return n
}

// OutcomesOfStream counts what the ledger has of the stream.
const OutcomesOfStream = "SELECT count() FROM outcomes FINAL WHERE pipeline = 'stream'"

// produced is the line of `stream produce` with its counts, without commas.
var produced = regexp.MustCompile(`^(\d+) messages? (?:is|are) in transactions\.raw: (\d+) bad ones? (\d+) ` +
	`duplicates? and ` +
	`(\d+) corrections? (?:was|were) sent`)

// Produce sends rows, bad messages, duplicates and corrections, and returns how many messages those were.
func (b *Live) Produce(rows int) (messages, bad int) {
	b.T.Helper()
	r := b.OK("stream", "produce", "--count", fmt.Sprint(rows), "--bad", "0.01", "--duplicates", "0.05", "--corrections",
		"0.05")
	text := strings.ReplaceAll(r.Stderr.String(), ",", "")
	line := text[strings.LastIndex(strings.TrimSpace(text), "\n")+1:]
	found := produced.FindStringSubmatch(line)
	if found == nil {
		b.T.Fatalf("produce says %q", line)
	}
	var counts [4]int
	for i := range counts {
		counts[i], _ = strconv.Atoi(found[i+1]) // they are digits
	}
	messages, bad = counts[0], counts[1]
	duplicates, corrections := counts[2], counts[3]
	if messages != rows+bad+duplicates+corrections || bad == 0 || duplicates == 0 || corrections == 0 {
		b.T.Fatalf("%d rows became %q", rows, line)
	}
	return messages, bad
}

// Until waits for a condition, as long as three minutes.
func (b *Live) Until(what string, holds func() bool) {
	b.T.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !holds(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.T.Fatalf("after three minutes still not: %s", what)
		}
	}
}

// Reaches waits for a count, as long as it changes every three minutes: how long all takes depends on the machine.
func (b *Live) Reaches(what string, want int, count func() int) {
	b.T.Helper()
	last, deadline := count(), time.Now().Add(3*time.Minute)
	for ; last < want; <-time.After(20 * time.Millisecond) {
		now := count()
		if now != last {
			last, deadline = now, time.Now().Add(3*time.Minute)
		}
		if time.Now().After(deadline) {
			b.T.Fatalf("for three minutes %d of %d: %s", last, want, what)
		}
	}
}

// FreeAddr is an address that was free a moment ago: not one of those that the system gives to whoever asks for any
// (from 32768 on Linux), which another process may get before it is used.
func FreeAddr(t *testing.T) string {
	t.Helper()
	for range 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000))
		if l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", addr); err == nil {
			_ = l.Close() // the address is taken again at once
			return addr
		}
	}
	t.Fatal("no port from 20000 to 31999 is free")
	return ""
}

// Get returns the status and the text of an answer; 0 when there is none yet.
func Get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	Must(t, err)
	return resp.StatusCode, string(text)
}
