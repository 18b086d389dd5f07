package stream

import (
	"net/http"
	"strings"
	"testing"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
)

// TestStreamWatch asks a member whether it is ready: before it has joined, while it works, while the ML API is
// unavailable, and while Kafka is.
func TestStreamWatch(t *testing.T) {
	b := newLiveBench(t)
	watch := "http://" + harness.FreeAddr(t)
	ready := func(what string, code int, says string) {
		t.Helper()
		b.Until("/readyz "+what, func() bool {
			got, text := harness.Get(t, watch+"/readyz")
			return got == code && strings.Contains(text, says)
		})
	}
	metrics := func(what string, lines ...string) {
		t.Helper()
		var text string
		b.Until("/metrics "+what, func() bool {
			_, text = harness.Get(t, watch+"/metrics")
			for _, line := range lines {
				if !strings.Contains("\n"+text, "\n"+line) {
					return false
				}
			}
			return true
		})
	}
	b.API.HarmWith(func(w http.ResponseWriter, _ *http.Request, _ []byte, _ http.Handler) { harness.HangUp(w) })
	messages, _ := b.Produce(300)
	member := b.Start("stream", "classify", "--watch-addr", strings.TrimPrefix(watch, "http://"), "--stuck", "2s")
	ready("while the ML API is unavailable", http.StatusServiceUnavailable, "messages are under way for")
	metrics("while the ML API is unavailable",
		`txflow_stream_ml_calls_total{error="fault",outcome="fault",pipeline="transactions"} `,
		`txflow_stream_ml_breaker{pipeline="transactions",state="closed"} 0`,
		`txflow_stream_kafka_up{pipeline="transactions"} 1`)
	lag := 0
	_, text := harness.Get(t, watch+"/metrics")
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "txflow_stream_lag{") && !strings.HasSuffix(line, " 0\n") {
			lag++
		}
	}
	if lag == 0 {
		t.Errorf("no partition has a lag although nothing is committed:\n%s", text)
	}
	b.API.Harm.Store(nil)
	b.Reaches("messages are in the ledger", messages, func() int { return b.Count(harness.OutcomesOfStream) })
	ready("when all is done", http.StatusOK, "ok")
	metrics("when all is done", `txflow_stream_dead_letters_total{pipeline="transactions",reason="message_format"} `,
		`txflow_stream_messages_total{outcome="classified",pipeline="transactions"} `,
		`txflow_stream_ml_calls_total{error="",outcome="answered",pipeline="transactions"} `,
		`txflow_stream_ml_breaker{pipeline="transactions",state="closed"} 1`,
		`txflow_stream_delay_seconds_count{pipeline="transactions"} `,
		`txflow_stream_lag{partition="0",pipeline="transactions"} 0`,
		`txflow_stream_lag{partition="5",pipeline="transactions"} 0`,
		`txflow_stream_messages_under_way{pipeline="transactions"} 0`)

	b.Platform.Kill()
	ready("while Kafka is unavailable", http.StatusServiceUnavailable, "Kafka does not answer for")
	metrics("while Kafka is unavailable", `txflow_stream_kafka_up{pipeline="transactions"} 0`)
	if _, text := harness.Get(t, watch+"/metrics"); strings.Contains(text, "txflow_stream_lag{") {
		t.Errorf("a lag is reported that nobody knows:\n%s", text)
	}
	b.Platform = b.Start("platform", "--data", b.Dir+"/platform", "--clickhouse-addr", "127.0.0.1:0", "--kafka-addr",
		b.Brokers, "--registry-addr", "")
	ready("when Kafka is back", http.StatusOK, "ok")
	member.Terminate(t)
	if code := member.Wait(t); code != 0 {
		t.Errorf("exit %d\n%s", code, member.Stderr.String())
	}
}

// TestStreamWatchWithoutKafka is a member that never joins: alive, and not ready.
func TestStreamWatchWithoutKafka(t *testing.T) {
	b := &harness.Live{Workbench: &harness.Workbench{}}
	b.Place = harness.Place{T: t, Dir: t.TempDir(), Env: []string{"KAFKA_BROKERS=127.0.0.1:1"}}
	watch := harness.FreeAddr(t)
	b.Start("stream", "classify", "--watch-addr", watch)
	b.Until("/healthz answers",
		func() bool { code, _ := harness.Get(t, "http://"+watch+"/healthz"); return code == http.StatusOK })
	if code, text := harness.Get(t, "http://"+watch+"/readyz"); code != http.StatusServiceUnavailable ||
		!strings.Contains(text, "not joined") {
		t.Errorf("/readyz answers %d %s", code, text)
	}
}
