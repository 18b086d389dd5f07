package events

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/stream/deadletter"
	"github.com/txflow/txflow/stream/events"
)

// TestChaosOfTheCollector kills the collector and a member of refine again and again while senders send packages, each
// until it is answered. Every event that was acknowledged is refined exactly once, whatever was sent twice; every one
// that was refused is a dead letter and nowhere else.
func TestChaosOfTheCollector(t *testing.T) {
	t.Parallel()
	p := harness.Place{T: t, Dir: t.TempDir()}
	platform := p.Start("platform", "--clickhouse-addr", "127.0.0.1:0", "--kafka-addr", "127.0.0.1:0", "--registry-addr",
		"")
	registry := srfake.New()
	t.Cleanup(registry.Close)
	b := newRefineBench(t, platform.Find(t, &platform.Stdout, `KAFKA_BROKERS=(\S+)`))
	b.Env = append(b.Env, "SCHEMA_REGISTRY_URL="+registry.URL())
	b.OK("schemas", "register")
	addr := harness.FreeAddr(t)
	collector := b.Start("collect", "--addr", addr)
	const packages = 800
	var answered atomic.Int64
	var accepted, refused []string
	const senders = 8
	var mu sync.Mutex
	ended := make(chan error, senders)
	for sender := range senders {
		go func() {
			for i := sender; i < packages; i += senders {
				a, r, err := sendUntilAnswered(t, addr, i)
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
	for i := range int64(4) {
		member := b.member(fmt.Sprint("m", i%2))
		for deadline := time.Now().Add(2 * time.Minute); answered.Load() < (i+1)*packages/6; <-time.After(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("only %d packages are answered\n%s", answered.Load(), collector.Stderr.String())
			}
		}
		collector.Kill()
		if i%2 == 0 {
			member.Kill()
		}
		collector = b.Start("collect", "--addr", addr)
	}
	b.member("m0")
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
}

// sendUntilAnswered sends a package of three good events and a bad one until it has an answer that asks for nothing
// more.
func sendUntilAnswered(t *testing.T, addr string, i int) (accepted, refused []string, err error) {
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
