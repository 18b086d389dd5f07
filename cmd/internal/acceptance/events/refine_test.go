package events

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/failpoint"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/kafkaserver/kafkatest"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/events/archive"
)

// pageKnowsRefine waits until the page of the stream has the group of refine, with its member.
func pageKnowsRefine(t *testing.T, page string) {
	t.Helper()
	text := ""
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-time.After(50 * time.Millisecond) {
		var said struct {
			Parts struct {
				Groups []struct {
					Group, Topic string
					Members      int
				}
			}
		}
		_, text = harness.Get(t, page+"/stream?format=json")
		harness.Must(t, json.Unmarshal([]byte(text), &said))
		for _, g := range said.Parts.Groups {
			if g.Group == "txflow-refine" && g.Topic == "events.raw" && g.Members == 1 {
				return
			}
		}
	}
	t.Errorf("the page of the stream does not have the group of refine:\n%s", text)
}

// TestRefine runs members as a user does, on the embedded Kafka: metrics, readiness, rules that change meanwhile,
// totals, and a member that starts again with its window from events.silver.
func TestRefine(t *testing.T) {
	t.Parallel()
	p := harness.Place{T: t, Dir: t.TempDir()}
	platform := p.Start("platform", "--clickhouse-addr", "127.0.0.1:0", "--kafka-addr", "127.0.0.1:0", "--registry-addr",
		"", "--ui-addr", "127.0.0.1:0")
	b := newRefineBench(t, platform.Find(t, &platform.Stdout, `KAFKA_BROKERS=(\S+)`))
	rules := filepath.Join(b.Dir, "rules.json")
	printed := b.OK("stream", "refine", "--print-rules").Stdout.String()
	if printed != string(event.DefaultRules) {
		t.Errorf("the rules are %s", printed)
	}
	harness.Must(t, os.WriteFile(rules, []byte(printed), 0o600))
	b.send(1000)
	watch := harness.FreeAddr(t)
	member := b.member("a", "TXFLOW_STREAM_WATCH_ADDR="+watch, "TXFLOW_RULES="+rules)
	b.drained()
	harness.Must(t, os.WriteFile(rules, []byte(strings.Replace(printed, `"version": "1"`, `"version": "next"`, 1)), 0o600))
	deadline := time.Now().Add(time.Minute)
	for text := ""; !strings.Contains(text, `txflow_stream_rules_info{pipeline="events",version="next-`); <-time.After(50 *
		time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the rules are not taken over:\n%s", text)
		}
		b.send(1) // they are looked at with messages
		_, text = harness.Get(t, "http://"+watch+"/metrics")
	}
	b.drained()
	if code, text := harness.Get(t, "http://"+watch+"/readyz"); code != http.StatusOK {
		t.Errorf("/readyz answers %d %s", code, text)
	}
	if text := b.OK("stream", "status", "--once", "--every", "10ms").Stdout.String(); !strings.Contains(text,
		" txflow-refine\n") ||
		!strings.Contains(text, "events.raw ") {
		t.Errorf("status:\n%s", text)
	}
	pageKnowsRefine(t, platform.Find(t, &platform.Stdout, `TXFLOW_UI_URL=(\S+)`))
	member.Terminate(t)
	if code := member.Wait(t); code != 0 {
		t.Errorf("exit %d\n%s", code, member.Stderr.String())
	}
	refined, rejected, duplicates := b.verify()
	if want := fmt.Sprintf(" refined, %d dead letters, %d duplicates\n", rejected, duplicates); refined < 500 ||
		duplicates == 0 || rejected == 0 ||
		!strings.Contains(strings.ReplaceAll(member.Stderr.String(), ",", ""), strings.ReplaceAll(want, ",", "")) {
		t.Errorf("%d%s\n%s", refined, want, member.Stderr.String())
	}
	b.member("a") // its window is of events.silver alone
	b.send(1000)
	b.drained()
	b.verify()
	b.archives()
}

// archives copies events.silver to objects, of which the ranges are filled up with other messages.
func (b *refineBench) archives() {
	t := b.T
	t.Helper()
	var more []*kgo.Record
	for range 2*archive.Range + 1 {
		more = append(more, &kgo.Record{Topic: events.Silver, Value: []byte(`{"event_id":"any","partition":1}`),
			Partition: 1})
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(b.brokers), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	harness.Must(t, err)
	defer client.Close()
	harness.Must(t, client.ProduceSync(t.Context(), more...).FirstErr())
	archived := b.OK("events", "archive", "--once").Stderr.String()
	objects, err := filepath.Glob(filepath.Join(b.Dir, "out/events/silver/*/*.ndjson"))
	if err != nil || len(objects) != 2 || !strings.Contains(archived, fmt.Sprintf("%d objects", len(objects))) {
		t.Errorf("%v, objects %q, %s", err, objects, archived)
	}
	for _, object := range objects {
		for line := range strings.Lines(fileText(t, object)) {
			var row events.Refined
			harness.Must(t, json.Unmarshal([]byte(line), &row))
			if at := int64(strings.Count(object, fmt.Sprintf("/%d-", row.Partition))); at != 1 || row.EventID == "" {
				t.Fatalf("%s has %s", object, line)
			}
		}
	}
	if again := b.OK("events", "archive", "--once").Stderr.String(); !strings.Contains(again,
		"0 objects with 0 events made, 0 found made before") {
		t.Errorf("again: %s", again)
	}
}

func TestRefineUsage(t *testing.T) {
	t.Parallel()
	p := harness.Place{T: t, Dir: t.TempDir()}
	code, r := p.Run("stream", "refine", "--dedup-window=1s", "--dedup-ids=1", "--transaction-rows=0", "--instance=/")
	for _, flag := range []string{"--dedup-window is 1s", "--dedup-ids is 1", "--transaction-rows is 0", "--instance"} {
		if code != fault.ExitUsage || !strings.Contains(r.Stderr.String(), flag) {
			t.Errorf("exit %d, %s is not named:\n%s", code, flag, r.Stderr.String())
		}
	}
	harness.Must(t, os.WriteFile(filepath.Join(p.Dir, "rules.json"), []byte(`{"version":""}`), 0o600))
	if code, r := p.Run("stream", "refine", "--rules", "rules.json"); code != fault.ExitData ||
		!strings.Contains(r.Stderr.String(), "--print-rules") {
		t.Errorf("exit %d\n%s", code, r.Stderr.String())
	}
}

// TestChaosOfEvents kills members of refine at every point of a transaction, on a real Kafka, with new events,
// duplicates and conflicts before and after each, and those of a forgotten person; stops the broker, and has two
// members
// take over from each other. Each member's window is made of Kafka's topics alone. Every event is exactly once where it
// must be. In make test it dies at fewer points.
func TestChaosOfEvents(t *testing.T) {
	t.Parallel()
	broker := kafkatest.Start(t, nil)
	b := newRefineBench(t, broker.Addr())
	b.forgets("gone")
	report := chaosRefine()
	points, size := []chaosPoint{{"after it produced", harness.AfterProduce}, {"while it commits", harness.DuringCommit}},
		700
	whole := os.Getenv(harness.ChaosRows) != ""
	if whole {
		points, size = []chaosPoint{{"after poll", harness.AfterPoll}, {"before it produces", harness.BeforeProduce},
			{"after it produced", harness.AfterProduce}, {"before it commits", harness.BeforeCommit},
			{"while it commits", harness.DuringCommit}, {"after it committed", harness.AfterCommit}}, 3000
	}
	for i, f := range points {
		for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
			name := "kill -9"
			if signal == syscall.SIGTERM {
				if !whole {
					continue
				}
				name = "SIGTERM"
			}
			f.Signal, f.Nth = signal, 2
			b.send(size)
			b.member(fmt.Sprint("m", i%2), f.Env()).DiesAt(t, f.Point)
			report.did("a member is ended "+f.name, name+" in its second transaction", 1)
		}
	}
	b.send(size)
	first, second := b.member("m0"), b.member("m1")
	second.Find(t, &second.Stderr, `(windows restored)`)
	if whole {
		b.drained()
		broker.Kill()
		harness.Must(t, broker.Restart(t.Context()))
		report.did("Kafka is killed", "kill -9 of the broker under two members, and a start", 1)
	}
	b.send(size)
	first.Kill() // what it had goes to the second
	report.did("a member is taken over from",
		"of two members one is killed while events wait; the other builds its windows, and goes on", 1)
	b.send(size)
	b.drained()
	second.Terminate(t)
	if code := second.Wait(t); code != 0 {
		t.Errorf("exit %d\n%s", code, second.Stderr.String())
	}
	refined, rejected, duplicates := b.verify()
	t.Logf("%d refined, %d rejected, %d duplicates, %d of the forgotten person", refined, rejected, duplicates, b.erased)
	if refined == 0 || rejected == 0 || duplicates == 0 || b.erased == 0 {
		t.Errorf("%d refined, %d rejected, %d duplicates, %d erased", refined, rejected, duplicates, b.erased)
	}
	report.verified(t, "%s events in the end, %s of them erased, %s dead letters, %s duplicates.", refined, b.erased,
		rejected, duplicates)
}

// chaosPoint is a fail point and its name in the report.
type chaosPoint struct {
	name string
	failpoint.Point
}
