package events

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/kafkaserver"
	"github.com/txflow/txflow/internal/kafkaserver/kafkatest"
	"github.com/txflow/txflow/stream/deadletter"
	"github.com/txflow/txflow/stream/events"
)

// switchable is a registry that can be made unavailable.
type switchable struct {
	down atomic.Bool
	to   http.Handler
}

// ServeHTTP implements http.Handler.
func (s *switchable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.down.Load() {
		harness.HangUp(w)
		return
	}
	s.to.ServeHTTP(w, r)
}

// TestChaosOfTheCollector kills the collector and a member of refine again and again while senders send packages, each
// until it is answered; with TXFLOW_CHAOS_ROWS it also kills Kafka, and has the registry unavailable. Every event that
// was
// acknowledged is refined exactly once, whatever was sent twice; every one that was refused is a dead letter and
// nowhere
// else.
func TestChaosOfTheCollector(t *testing.T) {
	t.Parallel()
	whole := os.Getenv(harness.ChaosRows) != ""
	var broker *kafkaserver.Server
	var brokers string
	if whole {
		broker = kafkatest.Start(t, nil)
		brokers = broker.Addr()
	} else {
		p := harness.Place{T: t, Dir: t.TempDir()}
		platform := p.Start("platform", "--clickhouse-addr", "127.0.0.1:0", "--kafka-addr", "127.0.0.1:0", "--registry-addr",
			"")
		brokers = platform.Find(t, &platform.Stdout, `KAFKA_BROKERS=(\S+)`)
	}
	inner := srfake.New()
	t.Cleanup(inner.Close)
	at, err := url.Parse(inner.URL())
	harness.Must(t, err)
	registry := &switchable{to: httputil.NewSingleHostReverseProxy(at)}
	serving := httptest.NewServer(registry)
	t.Cleanup(serving.Close)
	b := newRefineBench(t, brokers)
	b.Env = append(b.Env, "SCHEMA_REGISTRY_URL="+serving.URL)
	b.OK("schemas", "register")
	addr := harness.FreeAddr(t)
	collector := b.Start("collect", "--addr", addr)
	report := chaosCollect()
	const packages = 800
	var answered, refusals atomic.Int64
	var accepted, refused []string
	const senders = 8
	var mu sync.Mutex
	ended := make(chan error, senders)
	for sender := range senders {
		go func() {
			for i := sender; i < packages; i += senders {
				a, r, err := sendUntilAnswered(t, addr, i, &refusals)
				if err != nil {
					ended <- err
					return
				}
				mu.Lock()
				accepted, refused = append(accepted, a...), append(refused, r...)
				mu.Unlock()
				answered.Add(1)
			}
			ended <- nil
		}()
	}
	reach := func(packages int64) {
		t.Helper()
		for deadline := time.Now().Add(2 * time.Minute); answered.Load() < packages; <-time.After(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("only %d packages are answered\n%s", answered.Load(), collector.Stderr.String())
			}
		}
	}
	for i := range int64(4) {
		member := b.member(fmt.Sprint("m", i%2))
		reach((i + 1) * packages / 8)
		collector.Kill()
		if i%2 == 0 {
			member.Kill()
		}
		collector = b.Start("collect", "--addr", addr)
	}
	report.did("the collector is killed", "kill -9 while packages are in flight, and a start at once", 4)
	report.did("a member of refine is killed", "kill -9 together with the collector", 2)
	b.member("m0")
	if whole {
		reach(packages * 5 / 8)
		earlier := refusals.Load()
		broker.Kill()
		for deadline := time.Now().Add(2 * time.Minute); refusals.Load() == earlier; <-time.After(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("no sender has a 503 while Kafka is down\n%s", collector.Stderr.String())
			}
		}
		before := answered.Load()
		<-time.After(3 * time.Second) // of senders that try again
		if now := answered.Load(); now > before+senders {
			t.Errorf("%d packages were answered while Kafka was down", now-before)
		}
		harness.Must(t, broker.Restart(t.Context()))
		report.did("Kafka is killed",
			"kill -9 of the broker while packages are in flight: senders are answered 503; a start after some seconds", 1)
		reach(packages * 6 / 8)
		registry.down.Store(true)
		collector.Kill()
		collector = b.Start("collect", "--addr", addr) // with the schema that it remembers
		b.member("m2")                                 // waits for the registry, and makes no dead letters
		reach(packages * 7 / 8)
		report.did("the registry is unavailable",
			"the collector is killed and started again without it, and so is a member of refine; it comes back", 1)
		registry.down.Store(false)
	}
	for range senders {
		harness.Must(t, <-ended)
	}
	b.drained()
	_, _, duplicates := b.verify()
	t.Logf("%d accepted, %d refused, %d came again", len(accepted), len(refused), duplicates)

	rows := map[string]int{}
	for _, r := range b.read(events.Silver) {
		rows[string(r.Key)]++
	}
	for _, id := range accepted {
		if rows[id] != 1 {
			t.Errorf("an event that was acknowledged is refined %d times: %s", rows[id], id)
		}
	}
	dead := map[string]bool{}
	for _, r := range b.read(events.DeadLetters) {
		var d deadletter.Message
		harness.Must(t, json.Unmarshal(r.Value, &d))
		dead[d.ID] = true
	}
	for _, id := range refused {
		if !dead[id] || rows[id] > 0 {
			t.Errorf("an event that was refused is a dead letter: %v, and refined %d times: %s", dead[id], rows[id], id)
		}
	}
	if len(accepted) != packages*3 || len(refused) != packages || len(rows) != len(accepted) || len(dead) != len(refused) {
		t.Errorf("%d accepted, %d refused; %d refined, %d dead letters", len(accepted), len(refused), len(rows), len(dead))
	}
	report.verified(t, "%s events were acknowledged, %s refused; %s came again to refine, %s packages were answered 503.",
		len(accepted), len(refused), duplicates, int(refusals.Load()))
}

// sendUntilAnswered sends a package of three good events and a bad one until it has an answer that asks for nothing
// more.
func sendUntilAnswered(t *testing.T, addr string, i int, unavailable *atomic.Int64) (accepted, refused []string,
	err error) {
	body := fmt.Sprintf(`[{"event_type":"USER_LOGIN","company_id":"c","metadata":{"n":"%d"}},{"event_type":"USER_LOGIN"},
		{"event_type":"USER_LOGOUT","company_id":"c"},{"event_type":"PAYMENT_RECEIVED","company_id":"c"}]`, i)
	for deadline := time.Now().Add(2 * time.Minute); ; <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return nil, nil, fmt.Errorf("package %d has no answer after two minutes: %w", i, err)
		}
		var r *http.Request
		if r, err = http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/collect",
			strings.NewReader(body)); err != nil {
			return nil, nil, err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", fmt.Sprint("package-", i))
		var got *http.Response
		if got, err = http.DefaultClient.Do(r); err != nil {
			continue // it is killed, or not there yet
		}
		text, readErr := io.ReadAll(got.Body)
		_ = got.Body.Close() // what counts was read
		if err = readErr; err != nil || got.StatusCode == http.StatusServiceUnavailable {
			if err == nil {
				unavailable.Add(1)
			}
			continue
		}
		if got.StatusCode != http.StatusMultiStatus {
			return nil, nil, fmt.Errorf("package %d: %d %s", i, got.StatusCode, text)
		}
		var answer struct {
			Items []struct {
				ID     string
				Status int
			}
		}
		if err = json.Unmarshal(text, &answer); err != nil {
			return nil, nil, err
		}
		for _, item := range answer.Items {
			if item.Status == http.StatusAccepted {
				accepted = append(accepted, item.ID)
			} else {
				refused = append(refused, item.ID)
			}
		}
		return accepted, refused, nil
	}
}
