package events

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/deadletter"
	"github.com/txflow/txflow/stream/events"
)

// briefsBody is what the brief's own curl call sends.
const briefsBody = `[{
    "data": {"id": "123", "amount": 100.50},
    "headers": {
      "type": "Holded\\Wallet\\Domain\\Transaction\\Events\\WalletTransactionCreatedEvent",
      "targetSubscription": "Wallet",
      "X-Message-Stamp-Holded\\Shared\\Infrastructure\\Messenger\\Stamp\\NewContextStamp": {
        "accountId": "company-123",
        "userId": "user-456"
      }
    }
  }]`

// TestCollect runs the collector as a user does, on a broker and a registry: it accepts nothing before the schema is
// registered, answers the brief's call with 200 when Kafka has the event, keeps a copy of a dead letter and a line of
// the audit log, ends when it is asked to, and starts again without the registry.
func TestCollect(t *testing.T) {
	t.Parallel()
	p := harness.Place{T: t, Dir: t.TempDir()}
	platform := p.Start("platform", "--clickhouse-addr", "127.0.0.1:0", "--kafka-addr", "127.0.0.1:0",
		"--registry-addr", "")
	registry := srfake.New()
	t.Cleanup(registry.Close)
	brokers := platform.Find(t, &platform.Stdout, `KAFKA_BROKERS=(\S+)`)
	p.Env = append(p.Env, "KAFKA_BOOTSTRAP_SERVERS="+brokers, "SCHEMA_REGISTRY_URL="+registry.URL())
	p.OK("topics", "apply")
	collector := p.Start("collect", "--addr", "127.0.0.1:0")
	url := "http://" + collector.Find(t, &collector.Stdout, `TXFLOW_COLLECT_ADDR=(\S+)`)
	if status, body := sendBody(t, url, briefsBody); status != http.StatusServiceUnavailable || !strings.Contains(body,
		"not_ready") {
		t.Errorf("without the schema: %d %s", status, body)
	}
	p.OK("schemas", "register")
	ready(t, url)
	status, body := sendBody(t, url, briefsBody)
	var answer struct {
		CorrelationID string `json:"correlation_id"`
		Accepted      int
		Items         []struct{ ID string }
	}
	harness.Must(t, json.Unmarshal([]byte(body), &answer))
	if status != http.StatusOK || answer.Accepted != 1 || len(answer.Items) != 1 {
		t.Fatalf("the brief's call: %d %s", status, body)
	}
	if status, body := sendBody(t, url, `[{"data":{}}]`); status != http.StatusUnprocessableEntity {
		t.Errorf("an event that breaks a rule: %d %s", status, body)
	}
	_, value, ok := events.SplitHeader(first(t, brokers, events.Raw))
	e, err := events.ParseRaw(value)
	if !ok || err != nil || e.ID.String() != answer.Items[0].ID || e.Correlation.String() != answer.CorrelationID ||
		e.AccountID != "company-123" ||
		e.Data != `{"id":"123","amount":100.50}` {
		t.Errorf("events.raw has %+v, %v", e, err)
	}
	var dead deadletter.Message
	harness.Must(t, json.Unmarshal(first(t, brokers, events.DeadLetters), &dead))
	if dead.Code != "missing_value" || dead.Column != "/0/headers" || dead.Origin != "collect" {
		t.Errorf("the dead letter is %+v", dead)
	}
	copies, err := filepath.Glob(filepath.Join(p.Dir, "out/events/dead-letters/*/*/*.ndjson"))
	if err != nil || len(copies) != 1 || !strings.Contains(fileText(t, copies[0]), dead.OriginDigest) {
		t.Errorf("the copies are %q, %v", copies, err)
	}
	if log := fileText(t, filepath.Join(p.Dir, "out/audit/collect.ndjson")); strings.Count(log, "\n") != 3 ||
		strings.Contains(log, "company-123") ||
		!strings.Contains(log, answer.CorrelationID) {
		t.Errorf("the audit log is\n%s", log)
	}
	sample := harness.MustAbs(t, filepath.Join(harness.Repository, "data", "events.json"))
	if out := p.OK("events", "send", "--url", url, sample).Stdout.String(); !strings.Contains(out,
		"sent 400 events in 100 packages: accepted 400, rejected 0") {
		t.Error(out)
	}
	generated := p.OK("events", "send", "--url", url, "--count", "300", "--invalid", "0.5", "--repeated", "0.2", "--json")
	var sent struct {
		Events, Accepted, Rejected int
		Codes                      map[string]int
	}
	harness.Must(t, json.Unmarshal([]byte(generated.Stdout.String()), &sent))
	if sent.Events != 300 || sent.Accepted+sent.Rejected != 300 || sent.Rejected < 50 || sent.Codes["missing_value"] == 0 {
		t.Errorf("%+v", sent)
	}
	printed := p.OK("events", "send", "--dry-run", "--count", "400", "--seed", "1", "--start",
		"2026-01-05T08:00:00Z").Stdout.String()
	if printed != fileText(t, sample) {
		t.Error("what data/README.md says does not make data/events.json")
	}
	collector.Terminate(t)
	if code := collector.Wait(t); code != 0 {
		t.Errorf("it ends with %d\n%s", code, collector.Stderr.String())
	}
	registry.Close()
	collector = p.Start("collect", "--addr", "127.0.0.1:0")
	url = "http://" + collector.Find(t, &collector.Stdout, `TXFLOW_COLLECT_ADDR=(\S+)`)
	if status, body := sendBody(t, url, briefsBody); status != http.StatusOK {
		t.Errorf("without the registry, at its next start: %d %s", status, body)
	}
}

// TestCollectUsage has command lines that are refused with 64.
func TestCollectUsage(t *testing.T) {
	t.Parallel()
	p := harness.Place{T: t, Dir: t.TempDir()}
	harness.Must(t, os.WriteFile(filepath.Join(p.Dir, "tokens"), []byte("shop short\n"), 0o600))
	for _, args := range [][]string{{"--addr", "0.0.0.0:0"}, {"--addr", "8001"}, {"--tls-cert", "c"}, {"--token-file",
		"tokens"}, {"--token-file", "none"},
		{"--cors-origin", "*"}, {"--max-in-flight", "5"}, {"--rate", "-1"}, {"--schema-id", "0"}, {"--ack-timeout",
			"1ms"}, {"--max-items", "0"}, {"--max-body", "0"}, {"--body-timeout", "0s"}, {"more"}} {
		code, run := p.Run(append([]string{"collect", "--kafka-brokers", "127.0.0.1:1"}, args...)...)
		if code != 64 || strings.Contains(run.Stderr.String(), "shop short") {
			t.Errorf("%q: exit %d\n%s", args, code, run.Stderr.String())
		}
	}
}

// TestSendUsage has command lines of events send that are refused at once.
func TestSendUsage(t *testing.T) {
	t.Parallel()
	p := harness.Place{T: t, Dir: t.TempDir()}
	for _, args := range [][]string{{"--url", "ftp://x"}, {"--url", ""}, {"--url", "http://"}, {"--url", "127.0.0.1:8001"},
		{"--outage", "-5s"}, {"--package", "0"}, {"--concurrency", "0"}, {"--rate", "NaN"}, {"--count", "-1"},
		{"--invalid", "2"},
		{"--ca-file", "none.pem"}, {"none.json"}, {"a", "b"}} {
		if code, run := p.Run(append([]string{"events", "send", "--count", "1", "--outage", "1m"},
			args...)...); code != fault.ExitUsage {
			t.Errorf("%q: exit %d\n%s", args, code, run.Stderr.String())
		}
	}
}

func sendBody(t *testing.T, url, body string) (status int, answer string) {
	t.Helper()
	return sendBodyAs(t, url, "", body)
}

func sendBodyAs(t *testing.T, url, token, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/collect", strings.NewReader(body))
	harness.Must(t, err)
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	got, err := http.DefaultClient.Do(r)
	harness.Must(t, err)
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	harness.Must(t, err)
	return got.StatusCode, string(text)
}

// ready waits until the collector would accept events.
func ready(t *testing.T, url string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; <-time.After(10 * time.Millisecond) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/ready", nil)
		harness.Must(t, err)
		got, err := http.DefaultClient.Do(r)
		harness.Must(t, err)
		harness.Must(t, got.Body.Close())
		if got.StatusCode == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after a minute it is not ready: %d", got.StatusCode)
		}
	}
}

// first is the value of the first message of a topic.
func first(t *testing.T, brokers, topic string) []byte {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	harness.Must(t, err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	records := client.PollRecords(ctx, 1).Records()
	if len(records) == 0 {
		t.Fatalf("%s is empty", topic)
	}
	return records[0].Value
}

func fileText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	harness.Must(t, err)
	return string(text)
}
