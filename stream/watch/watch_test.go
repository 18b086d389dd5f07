package watch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/topics"
)

// fakeLog is a member whose place in the group a test sets.
type fakeLog struct {
	mu      sync.Mutex
	joined  bool
	lag     map[int32]int64 // nil: Kafka is unavailable
	missing bool            // the topic is
	aborts  int64
	cause   error
}

func (l *fakeLog) trouble(missing bool, aborts int64, cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.missing, l.aborts, l.cause = missing, aborts, cause
}

func (l *fakeLog) Aborts() (int64, time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.aborts, 3 * time.Second / 2, l.cause
}

func (l *fakeLog) set(joined bool, lag map[int32]int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.joined, l.lag = joined, lag
}

func (l *fakeLog) Joined() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.joined
}

func (l *fakeLog) Lag(context.Context) (map[int32]int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.missing {
		return nil, fmt.Errorf("in: %w", topics.ErrMissing)
	}
	if l.lag == nil {
		return nil, errors.New("connection refused")
	}
	return l.lag, nil
}

const stuck = time.Minute

// TestReady goes through a member's life in no time.
func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, log := NewHealth(stuck), &fakeLog{}
		m := NewMetrics("transactions", "classified", h, func() ML { return ML{} })
		says := func(when, want string) {
			t.Helper()
			synctest.Wait()
			if err := h.Ready(); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("%s it says %v, want %q", when, err, want)
			}
		}
		says("before it runs", "not joined")
		time.Sleep(stuck + time.Second)
		says("before it runs, for long", "Kafka does not answer for 1m1s")
		go h.Run(t.Context(), log)
		says("while Kafka is unavailable from the start", "not joined")
		time.Sleep(stuck + time.Second)
		says("while Kafka is unavailable for long", "Kafka does not answer for 1m1s")
		log.set(false, map[int32]int64{})
		time.Sleep(3 * time.Second)
		says("when Kafka answers", "not joined")
		log.set(true, map[int32]int64{})
		time.Sleep(10 * stuck)
		says("with no partition and nothing to do", "")

		log.set(true, map[int32]int64{0: 0, 1: 5})
		time.Sleep(stuck - 3*time.Second)
		says("with messages that wait a little", "")
		time.Sleep(10 * time.Second)
		says("with messages that nobody polls", "messages wait and none is committed for")
		m.Begin(5)
		m.End(pipeline.Stats{Messages: 5, Aborted: true})
		says("when they were given up", "messages wait and none is committed for")
		m.Begin(5)
		m.End(pipeline.Stats{Messages: 5})
		says("when some were committed", "")
		log.set(true, map[int32]int64{0: 0, 1: 0})
		time.Sleep(10 * stuck)
		says("when all were", "")

		m.Begin(1)
		time.Sleep(stuck + time.Second)
		says("with a transaction that does not end", "messages are under way for 1m1s")
		m.Begin(1)
		says("with a second one after it", "messages are under way for 1m1s")
		m.End(pipeline.Stats{Messages: 1})
		says("when the first one ends", "")
		m.End(pipeline.Stats{Messages: 1})
		says("when both have ended", "")
		log.set(true, nil)
		time.Sleep(stuck + 3*time.Second)
		says("when Kafka became unavailable", "Kafka does not answer for 1m3s: connection refused")
		log.set(true, map[int32]int64{0: 0})
		time.Sleep(3 * time.Second)
		says("when it is back", "")
		log.trouble(true, 0, nil)
		time.Sleep(3 * time.Second)
		says("when the topic was deleted", "in: the topic does not exist and is waited for")
		log.trouble(false, 7, errors.New("no such topic: out"))
		log.set(true, map[int32]int64{0: 4})
		time.Sleep(3 * time.Second)
		says("when it is there again", "")
		time.Sleep(stuck)
		says("when every transaction is aborted", "none is committed for 1m6s: no such topic: out")
		log.trouble(false, 0, nil)
		log.set(true, map[int32]int64{0: 0})
		time.Sleep(7 * 24 * time.Hour)
		says("a week later", "")
		log.set(true, map[int32]int64{0: 1})
		time.Sleep(stuck + 3*time.Second)
		says("with a message that waits a week later", "messages wait and none is committed for 1m")
	})
}

// TestAborts are counted while the member runs.
func TestAborts(t *testing.T) {
	t.Parallel()
	h, log := NewHealth(stuck), &fakeLog{}
	log.trouble(false, 7, errors.New("no such topic"))
	h.follow(log)
	const want = `# HELP txflow_stream_backoff_seconds How long the member still waits after aborted transactions; 0 ` +
		`when it does not.
# TYPE txflow_stream_backoff_seconds gauge
txflow_stream_backoff_seconds 1.5
# HELP txflow_stream_transactions_aborted_total Transactions that were aborted; their messages come again.
# TYPE txflow_stream_transactions_aborted_total counter
txflow_stream_transactions_aborted_total 7
`
	if err := testutil.CollectAndCompare(h, strings.NewReader(want), "txflow_stream_backoff_seconds",
		"txflow_stream_transactions_aborted_total"); err != nil {
		t.Error(err)
	}
}

// TestLag tells the lag also while nothing is committed, of the partitions that the member has now.
func TestLag(t *testing.T) {
	t.Parallel()
	h, log := NewHealth(stuck), &fakeLog{}
	for want, lag := range map[string]map[int32]int64{
		lagHead + "txflow_stream_lag{partition=\"0\"} 7\ntxflow_stream_lag{partition=\"3\"} 0\n" + upHead +
			"txflow_stream_kafka_up 1\n": {0: 7, 3: 0},
		lagHead + "txflow_stream_lag{partition=\"3\"} 9\n" + upHead + "txflow_stream_kafka_up 1\n": {3: 9},
		upHead + "txflow_stream_kafka_up 0\n":                                                      nil,
		upHead + "txflow_stream_kafka_up 1\n":                                                      {},
	} {
		log.set(true, lag)
		h.ask(t.Context(), log)
		if err := testutil.CollectAndCompare(h, strings.NewReader(want)); err != nil {
			t.Error(err)
		}
	}
}

const (
	lagHead = "# HELP txflow_stream_lag Messages that are not committed, by partition that the member has; absent while " +
		"Kafka does not answer.\n# TYPE txflow_stream_lag gauge\n"
	upHead = "# HELP txflow_stream_kafka_up 1 when Kafka answered the last time.\n# TYPE txflow_stream_kafka_up gauge\n"
)

func TestMetrics(t *testing.T) {
	t.Parallel()
	m := NewMetrics("transactions", "classified", NewHealth(stuck), func() ML { return ML{Breaker: "open", InFlight: 2} })
	m.Begin(6)
	if n := testutil.ToFloat64(m.underWay); n != 6 {
		t.Errorf("%v messages are under way", n)
	}
	m.End(pipeline.Stats{Messages: 6, Skipped: 2, DeadLetters: map[transaction.Code]int{transaction.CodeMessage: 1},
		Handled: time.Second, Took: 2 * time.Second,
		Delays: []time.Duration{20 * time.Millisecond, 3 * time.Second, 3 * time.Second}})
	m.Begin(2)
	m.End(pipeline.Stats{Messages: 2, Aborted: true})
	m.Call("answered", "", 100, 20*time.Millisecond)
	m.Call("fault", "503", 100, time.Millisecond)
	m.Call("fault", "timeout", 100, time.Second)
	const want = `# HELP txflow_stream_dead_letters_total Dead letters, by reason.
# TYPE txflow_stream_dead_letters_total counter
txflow_stream_dead_letters_total{pipeline="transactions",reason="message_format"} 1
# HELP txflow_stream_messages_given_up_total Messages of transactions that were given up; they come again.
# TYPE txflow_stream_messages_given_up_total counter
txflow_stream_messages_given_up_total{pipeline="transactions"} 2
# HELP txflow_stream_messages_total Messages that are done, by outcome: classified or refined, duplicate, or ` +
		`dead_letter.
# TYPE txflow_stream_messages_total counter
txflow_stream_messages_total{outcome="classified",pipeline="transactions"} 3
txflow_stream_messages_total{outcome="dead_letter",pipeline="transactions"} 1
txflow_stream_messages_total{outcome="duplicate",pipeline="transactions"} 2
# HELP txflow_stream_messages_under_way Messages of the transactions that are worked on: one that is written, and ` +
		`one that is asked for.
# TYPE txflow_stream_messages_under_way gauge
txflow_stream_messages_under_way{pipeline="transactions"} 0
# HELP txflow_stream_ml_breaker 1 for the state that the ML API's circuit breaker is in.
# TYPE txflow_stream_ml_breaker gauge
txflow_stream_ml_breaker{pipeline="transactions",state="closed"} 0
txflow_stream_ml_breaker{pipeline="transactions",state="half-open"} 0
txflow_stream_ml_breaker{pipeline="transactions",state="open"} 1
# HELP txflow_stream_ml_calls_total Calls of the ML API, by outcome, and by error: an HTTP status, timeout, ` +
		`bad_answer, or fault for a connection that failed.
# TYPE txflow_stream_ml_calls_total counter
txflow_stream_ml_calls_total{error="",outcome="answered",pipeline="transactions"} 1
txflow_stream_ml_calls_total{error="503",outcome="fault",pipeline="transactions"} 1
txflow_stream_ml_calls_total{error="timeout",outcome="fault",pipeline="transactions"} 1
# HELP txflow_stream_ml_in_flight Calls of the ML API now.
# TYPE txflow_stream_ml_in_flight gauge
txflow_stream_ml_in_flight{pipeline="transactions"} 2
`
	if err := testutil.GatherAndCompare(m.Registry, strings.NewReader(want), "txflow_stream_dead_letters_total",
		"txflow_stream_messages_given_up_total",
		"txflow_stream_messages_total", "txflow_stream_messages_under_way", "txflow_stream_ml_breaker",
		"txflow_stream_ml_calls_total", "txflow_stream_ml_in_flight"); err != nil {
		t.Error(err)
	}
	all, err := m.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]uint64{}
	for _, family := range all {
		for _, one := range family.Metric {
			if h := one.Histogram; h != nil {
				counts[family.GetName()] += h.GetSampleCount()
			}
		}
	}
	for name, want := range map[string]uint64{"txflow_stream_delay_seconds": 3, "txflow_stream_transaction_messages": 1,
		"txflow_stream_transaction_seconds":    1,
		"txflow_stream_transaction_ml_seconds": 1, "txflow_stream_ml_call_seconds": 3, "txflow_stream_ml_call_rows": 3} {
		if counts[name] != want {
			t.Errorf("%s has %d samples, want %d", name, counts[name], want)
		}
	}
	if problems, err := testutil.GatherAndLint(m.Registry); err != nil || len(problems) > 0 {
		t.Errorf("%v: %v", err, problems)
	}
}
