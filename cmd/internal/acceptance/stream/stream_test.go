package stream

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/topics"
)

// TestStream kills members of the group again and again while messages come, with the ML API slow and then unavailable.
// TestChaos does more of that, on a real Kafka.
func TestStream(t *testing.T) {
	b := newLiveBench(t)
	const rows = 10_000
	messages, bad := b.Produce(rows)
	b.API.Slow(10 * time.Millisecond)
	for _, part := range []int{10, 4, 2} {
		member := b.Member("a")
		member.KillWhen(t, fmt.Sprintf("a part of %d is done", part),
			func() bool { return b.Count(harness.OutcomesOfStream) > messages/part })
	}
	watch := harness.FreeAddr(t)
	first, second := b.Start("stream", "classify", "--instance", "a"), b.Start("stream", "classify", "--instance", "b",
		"--watch-addr", watch, "--stuck", "1s")
	second.Find(t, &second.Stderr, `(partitions assigned)`)
	first.Kill() // what it had goes to the second
	ready := func(want int) func() bool {
		return func() bool { code, _ := harness.Get(t, "http://"+watch+"/readyz"); return code == want }
	}
	b.Until("/readyz says that it works", ready(http.StatusOK))
	b.API.HarmWith(func(w http.ResponseWriter, _ *http.Request, _ []byte, _ http.Handler) { harness.HangUp(w) })
	again, badAgain := b.Produce(rows) // the same once more
	messages, bad = messages+again, bad+badAgain
	b.Until("/readyz says that messages are stuck", ready(http.StatusServiceUnavailable))
	b.API.Harm.Store(nil)
	b.Reaches("messages are in the ledger", messages, func() int { return b.Count(harness.OutcomesOfStream) })
	b.Until("/metrics tells that nothing waits", func() bool {
		_, text := harness.Get(t, "http://"+watch+"/metrics")
		return strings.Contains(text, `txflow_stream_messages_total{outcome="classified",pipeline="transactions"}`) &&
			strings.Contains(text, `txflow_stream_lag{partition="0",pipeline="transactions"} 0`)
	})
	second.Terminate(t)
	if code := second.Wait(t); code != 0 {
		t.Errorf("a member that is stopped: exit %d\n%s", code, second.Stderr.String())
	}
	if got := b.verify(batchGold(t, b.Server, rows), ""); got.messages != messages || got.deadLetters != bad {
		t.Errorf("%+v, want %d messages and %d dead letters", got, messages, bad)
	}
}

// TestPipelinesAreCompared runs the same rows through both, then a row more through one, and changes a category.
func TestPipelinesAreCompared(t *testing.T) {
	b := newLiveBench(t)
	b.OK("data", "generate", "--rows", "200", "--out", "same.csv")
	b.OK("data", "generate", "--rows", "201", "--out", "more.csv")
	b.OK("run", "--source", "live", "same.csv")
	b.OK("stream", "produce", "same.csv")
	member := b.Start("stream", "classify")
	b.Until("the stream stored all", func() bool { return b.Count(harness.OutcomesOfStream) == 200 })
	if text := b.OK("reconcile", "--pipelines", "--source", "live").Stdout.String(); !strings.Contains(text,
		`"status":"done"`) || !strings.Contains(text, `"counts":{"in":200}`) {
		t.Errorf("the same rows: %q", text)
	}
	b.OK("stream", "produce", "more.csv")
	b.Until("the stream stored one more", func() bool { return b.Count(harness.OutcomesOfStream) == 401 })
	member.Kill()
	b.SQL("INSERT INTO outcomes SELECT * REPLACE ('Travel' AS category) FROM (SELECT * FROM outcomes FINAL WHERE " +
		"pipeline = 'batch' AND category = 'Rent' ORDER BY position LIMIT 1)")
	code, r := b.Run("reconcile", "--pipelines", "--source", "live")
	if text := r.Stderr.String(); code != fault.ExitData || !strings.Contains(text, ": 2 mismatches") ||
		!strings.Contains(text, "only_stream id ") || !strings.Contains(text, "category_differs id ") {
		t.Errorf("exit %d\n%s", code, text)
	}
}

// TestDeadLettersAreReplayed has the ML API refuse everything, has it work again, and replays: in the end none is open
// and all
// is stored. Dead letters that can not be corrected come back, and are left alone after so many times.
func TestDeadLettersAreReplayed(t *testing.T) {
	const rows = 300
	b := newLiveBench(t)
	messages, bad := b.Produce(rows)
	b.API.HarmWith(func(w http.ResponseWriter, _ *http.Request, _ []byte, _ http.Handler) { harness.RefuseAll(w) })
	b.Start("stream", "classify", "--max-refused", "1")
	open := func(more string) int {
		return b.Count("SELECT count() FROM dead_letters FINAL WHERE state = 'open' %s", more)
	}
	b.Until("all messages are dead letters", func() bool { return open("") == messages })
	if text := b.OK("dlq", "list", "--json", "--reason", "prediction_refused", "--limit",
		"1").Stdout.String(); !strings.Contains(text, "not today") {
		t.Errorf("dlq list: %s", text)
	}
	b.API.Harm.Store(nil)
	if text := b.OK("dlq", "replay", "--reason", "prediction_refused",
		"--dry-run").Stdout.String(); text != fmt.Sprintf("%d dead letters would be replayed\n", messages-bad) {
		t.Errorf("the dry run says %q", text)
	}
	early := []string{"dlq", "replay", "--reason", "prediction_refused", "--until",
		b.SQL("SELECT formatDateTime(min(first_seen), '%%Y-%%m-%%dT%%H:%%i:%%SZ') FROM dead_letters FINAL")}
	if code, r := b.Run(early...); code != fault.ExitNothing { // all of them are of that second or later
		t.Errorf("what came before the first: exit %d, %q", code, r.Stdout.String())
	}
	if text := b.OK("dlq", "replay", "--reason", "prediction_refused").Stdout.String(); !strings.Contains(text,
		fmt.Sprintf(`"counts":{"in":%d}`, messages-bad)) {
		t.Errorf("replay says %q", text)
	}
	b.Reaches("rows are stored", rows, func() int { return b.Count("SELECT count() FROM transactions FINAL") })
	if n := open(" AND code = 'prediction_refused'"); n != 0 {
		t.Errorf("%d refused rows are open dead letters", n)
	}
	for i := 1; i <= 2; i++ {
		b.OK("dlq", "replay", "--max-replays", "2")
		b.Until("dead letters of bad rows come back", func() bool {
			return open(fmt.Sprintf(" AND replays = %d", i)) == bad &&
				open("") == bad
		})
	}
	for _, limit := range []string{"2", "0"} {
		code, r := b.Run("dlq", "replay", "--max-replays", limit)
		if text := r.Stdout.String(); code != fault.ExitNothing || !strings.Contains(text, `"status":"nothing"`) ||
			!strings.Contains(r.Stderr.String(), fmt.Sprintf("%d open dead letters came back %s times already", bad, limit)) {
			t.Errorf("dead letters that came back %s times: exit %d, %q\n%s", limit, code, text, r.Stderr.String())
		}
	}
	for _, wrong := range []string{"replay --max-replays -1", "replay --rate -1", "purge", "purge --all --reason x",
		"list --state foo", "stats --state foo", "list --limit -1"} {
		if code, r := b.Run(append([]string{"dlq"}, strings.Fields(wrong)...)...); code != fault.ExitUsage {
			t.Errorf("dlq %s: exit %d\n%s", wrong, code, r.Stderr.String())
		}
	}
	if code, r := b.Run("dlq", "show", "transactions.raw", "0", "999999"); code != fault.ExitNothing {
		t.Errorf("dlq show of nothing: exit %d\n%s", code, r.Stderr.String())
	}
	b.tombstoneIsShown()
	if code, _ := b.Run("dlq", "purge", "--reason", "none"); code != 0 {
		t.Errorf("dlq purge of none: exit %d", code)
	}
	b.OK("dlq", "purge", "--reason", "message_format")
	b.OK("dlq", "purge", "--all")
	if text := b.OK("dlq", "stats").Stderr.String(); !strings.Contains(text, "0 dead letters") || open("") != 0 {
		t.Errorf("after purge: %s", text)
	}
}

// tombstoneIsShown sends a message without a value.
func (b *liveBench) tombstoneIsShown() {
	b.T.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Brokers))
	harness.Must(b.T, err)
	defer client.Close()
	sent, err := client.ProduceSync(b.T.Context(), &kgo.Record{Topic: topics.Raw, Key: []byte("gone")}).First()
	harness.Must(b.T, err)
	at := []string{"dlq", "show", topics.Raw, fmt.Sprint(sent.Partition), fmt.Sprint(sent.Offset)}
	b.Until("the tombstone is a dead letter", func() bool {
		code, r := b.Run(at...)
		return code == 0 && strings.Contains(r.Stdout.String(), "(a tombstone)")
	})
}

// TestStreamWithoutKafka says what is missing and what to do, sooner than librdkafka, which tries for 15 s.
func TestStreamWithoutKafka(t *testing.T) {
	p := harness.Place{T: t, Dir: t.TempDir(), Env: []string{"KAFKA_BROKERS=127.0.0.1:1"}}
	for _, args := range [][]string{{"topics", "apply"}, {"stream", "status", "--once"}, {"events", "archive", "--once"},
		{"events", "publish", "--once"}, {"events", "reconcile"}, {"reconcile", "--stream"}} {
		began := time.Now()
		code, r := p.Run(args...)
		if text := r.Stderr.String(); code != fault.ExitUnavailable ||
			!strings.Contains(text, "Kafka at 127.0.0.1:1 does not answer") ||
			!strings.Contains(text, "txflow platform") {
			t.Errorf("%q: exit %d\n%s", args, code, text)
		}
		if took := time.Since(began); took > 14*time.Second {
			t.Errorf("%q took %s", args, took)
		}
	}
}
