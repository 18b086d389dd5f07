package stream

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/failpoint"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/topics"
)

// chaos is a way to harm the stream while messages flow. Afterwards all must be as if nothing had happened.
type chaos struct {
	name  string // in the report
	harm  string // in the report
	daily bool   // also in make test, with fewer messages
	run   func(b *chaosBench)
	after func(b *chaosBench) // once all is verified; may be nil
}

// chaosReportEnv names the file with the results.
const chaosReportEnv = "TXFLOW_CHAOS_REPORT"

const dailyRows = 10_000

// TestChaos does harm of every kind to a real Kafka, to ClickHouse, the ML API, the network and txflow's own processes,
// and checks that no message is lost and none counts twice.
func TestChaos(t *testing.T) {
	rows, whole := dailyRows, os.Getenv(harness.ChaosRows)
	if whole != "" {
		_, err := fmt.Sscan(whole, &rows)
		harness.Must(t, err)
	}
	platform, clickhouse := harness.StartPlatform(t, t.TempDir(), "127.0.0.1:0")
	want := batchGold(t, clickhouse, rows)
	platform.Kill()
	report := newChaosReport(rows)
	for i, c := range matrix {
		if whole == "" && !c.daily {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // most of the time somebody waits for a time-out
			start := time.Now()
			report.fail(t, i, c) // until it is known better
			b := newChaosBench(t, rows)
			c.run(b)
			b.finish()
			got := b.verify(want, b.refused)
			b.again = b.Passed("polled") - got.messages
			if c.after != nil {
				c.after(b)
			}
			if !t.Failed() {
				report.hold(t, i, c, b, got)
			}
			t.Logf("%d times, %+v, %d messages came again, %s", b.done, got, b.again, time.Since(start).Round(time.Second))
		})
	}
}

// killed is a case of members that are killed at a fail point.
func killed(at, harm string, daily bool, f failpoint.Point) chaos {
	return chaos{"a member is killed " + at, harm, daily, func(b *chaosBench) {
		b.API.Slow(50 * time.Millisecond)
		b.traffic(10)
		b.die(f, syscall.SIGKILL, "a", "b", "a")
		b.API.Harm.Store(nil)
	}, nil}
}

var matrix = []chaos{
	killed("after poll", "kill -9 when it has read its third batch", false, harness.AfterPoll),
	killed("during the ML call", "kill -9 while the ML API works on its third batch", false, harness.DuringCall),
	killed("before it produces", "kill -9 with all answers, before a result is written", false, harness.BeforeProduce),
	killed("after it produced", "kill -9 with the results at the broker, the offsets not", true, harness.AfterProduce),
	killed("before it commits", "kill -9 with results and offsets at the broker", false, harness.BeforeCommit),
	killed("while it commits", "kill -9 2 ms into the commit", true, harness.DuringCommit),
	killed("after it committed", "kill -9 once the broker has confirmed; only what was polled ahead comes again", false,
		harness.AfterCommit),
	{"a member is stopped", "SIGTERM at each of these seven points in turn", false, func(b *chaosBench) {
		b.traffic(10)
		for _, f := range []failpoint.Point{harness.AfterPoll, harness.DuringCall, harness.BeforeProduce,
			harness.AfterProduce, harness.BeforeCommit, harness.DuringCommit,
			harness.AfterCommit} {
			b.die(f, syscall.SIGTERM, "a")
		}
	}, nil},
	{"members come and go", "of three members one is killed, one is stopped, and both come back, again and again", false,
		membersComeAndGo, nil},
	{"the producer is killed", "kill -9 of `stream produce` in the middle; started again, it sends all once more", false,
		func(b *chaosBench) {
			endProducer(b, syscall.SIGKILL)
		}, nil},
	{"the producer is stopped", "SIGTERM in the middle; started again, it sends all once more", false,
		func(b *chaosBench) {
			endProducer(b, syscall.SIGTERM)
		}, nil},
	{"Kafka is killed", "kill -9 of the broker while messages flow, and a start 5 s later", true, func(b *chaosBench) {
		restartKafka(b, b.kafka.Kill)
	}, nil},
	{"Kafka is stopped", "the broker is stopped while messages flow, and is started 5 s later", false,
		func(b *chaosBench) {
			restartKafka(b, b.kafka.Stop)
		}, nil},
	{"the network is cut", "between one of two members and the broker, for 3 s and for 15 s: longer than a session and " +
		"a transaction may last, so that the other takes over", false, func(b *chaosBench) {
		harmNetwork(b, []time.Duration{3 * time.Second, 15 * time.Second}, func() func() {
			b.network.Stop()
			return func() { harness.Must(b.T, b.network.Start()) }
		})
	}, nil},
	{"the network swallows everything",
		"the same, but connections stay open and nothing passes: a member that believes to be one comes back", true,
		func(b *chaosBench) {
			harmNetwork(b, []time.Duration{3 * time.Second, 15 * time.Second}, func() func() {
				return b.toxic(`{"type": "timeout", "attributes": {"timeout": 0}}`)
			})
		}, nil},
	{"the network is slow", "all that the broker sends to one of two members takes 150 to 250 ms, for 10 s, twice", false,
		func(b *chaosBench) {
			harmNetwork(b, []time.Duration{10 * time.Second, 10 * time.Second}, func() func() {
				return b.toxic(`{"type": "latency", "attributes": {"latency": 200, "jitter": 50}}`)
			})
		}, nil},
	{"the ML API is unavailable", "it breaks connections off for 15 s, twice", false, mlAPIUnavailable, nil},
	{"ClickHouse is killed", "kill -9 while messages flow, and a start 3 s later", true, func(b *chaosBench) {
		restartClickHouse(b, syscall.SIGKILL, "127.0.0.1:0")
	}, nil},
	{"everything is delivered again",
		"ClickHouse's consumer groups are deleted; it reads both topics again, after dead letters were replayed and purged",
		true, func(b *chaosBench) {
			b.group(b.Brokers, "a")
			b.traffic(5)
		}, redeliver},
	{"ClickHouse is stopped", "it is stopped while messages flow, and is started 3 s later", false, func(b *chaosBench) {
		restartClickHouse(b, syscall.SIGTERM, "127.0.0.1:0")
	}, nil},
	{"the Schema Registry is unavailable",
		"ClickHouse is restarted while messages flow, and the registry stays unavailable", false, func(b *chaosBench) {
			restartClickHouse(b, syscall.SIGTERM, "")
		}, nil},
	{"a poison message", "the ML API refuses one row of a batch of 500: one dead letter, which is then replayed", true,
		poison, nil},
}

func membersComeAndGo(b *chaosBench) {
	started := b.group(b.Brokers, "a", "b", "c")
	a, c := started[0], started[2]
	b.traffic(40)
	for b.producer.Running() {
		b.harm(a.Kill)
		a = b.Member("a")
		a.Find(b.T, &a.Stderr, `(partitions assigned)`)
		b.harm(func() { c.Terminate(b.T); c.Dies(b.T, syscall.SIGTERM) })
		c = b.Member("c")
		c.Find(b.T, &c.Stderr, `(partitions assigned)`)
	}
}

func endProducer(b *chaosBench, signal syscall.Signal) {
	b.group(b.Brokers, "a")
	b.traffic(30)
	b.Until("a fifth is sent", func() bool { return b.sent() > int64(b.rows/5) })
	b.harm(func() {
		harness.Must(b.T, b.producer.Cmd.Process.Signal(signal))
		b.producer.Dies(b.T, signal)
	})
	b.traffic(5)
}

func restartKafka(b *chaosBench, end func()) {
	b.group(b.Brokers, "a", "b")
	b.traffic(20)
	for _, percent := range []int{20, 60} {
		b.through(percent)
		b.harm(end)
		<-time.After(5 * time.Second)
		harness.Must(b.T, b.kafka.Restart(b.T.Context()))
	}
}

// harmNetwork harms the way of one of two members to Kafka.
func harmNetwork(b *chaosBench, times []time.Duration, harm func() (repair func())) {
	b.group(b.viaProxy, "a")
	b.group(b.Brokers, "b")
	b.traffic(20)
	for i, long := range times {
		b.through(20 + 40*i)
		b.harm(func() {
			repair := harm()
			<-time.After(long)
			repair()
		})
	}
}

func mlAPIUnavailable(b *chaosBench) {
	b.group(b.Brokers, "a", "b")
	b.traffic(20)
	for _, percent := range []int{20, 60} {
		b.through(percent)
		b.harm(func() {
			b.API.HarmWith(func(w http.ResponseWriter, _ *http.Request, _ []byte, _ http.Handler) { harness.HangUp(w) })
			<-time.After(15 * time.Second)
			b.API.Harm.Store(nil)
		})
	}
}

func restartClickHouse(b *chaosBench, signal syscall.Signal, registry string) {
	b.group(b.Brokers, "a", "b")
	b.traffic(10)
	b.Until("rows come into ClickHouse", func() bool { return b.Count(harness.OutcomesOfStream) > b.rows/5 })
	b.harm(func() { b.restartPlatform(signal, 3*time.Second, registry) })
}

// poison has the ML API refuse one id until its dead letter is there, and then replays that.
func poison(b *chaosBench) {
	b.refused = transaction.DeriveID("live", []byte(fmt.Sprint(b.rows))).String() // the last row
	b.API.HarmWith(func(w http.ResponseWriter, r *http.Request, body []byte, honest http.Handler) {
		if bytes.Contains(body, []byte(b.refused)) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = w.Write([]byte(`{"detail":[{"msg":"poison"}]}`)) // the caller waits for it
			return
		}
		honest.ServeHTTP(w, r)
	})
	b.group(b.Brokers, "a")
	b.traffic(10)
	const refused = "SELECT count() FROM dead_letters FINAL WHERE state = 'open' AND code = 'prediction_refused'"
	b.harm(func() { b.Until("the poison is a dead letter", func() bool { return b.Count(refused) > 0 }) })
	b.producer.Wait(b.T)
	sent := 0 // the row may be one of those that are sent twice
	for _, r := range b.read(topics.Raw).records {
		if idOf(r) == b.refused {
			sent++
		}
	}
	b.Until("all else is stored", func() bool { return b.Count("SELECT count() FROM transactions FINAL") == b.rows-1 })
	b.Until("each poison message is one dead letter", func() bool { return b.Count(refused) == sent })
	b.API.Harm.Store(nil)
	if text := b.OK("dlq", "replay", "--reason", "prediction_refused").Stdout.String(); !strings.Contains(text,
		fmt.Sprintf(`"counts":{"in":%d}`, sent)) {
		b.T.Errorf("%d poison messages: %s", sent, text)
	}
}
