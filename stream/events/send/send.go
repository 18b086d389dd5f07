// Package send sends events to a collector, as an application should: packages with an Idempotency-Key, sent again
// until the collector has answered for good.
package send

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/txflow/txflow/internal/authority"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/retry"
	"github.com/txflow/txflow/internal/secret"
)

// Config says where to send and how. URL, Package and Concurrency are needed.
type Config struct {
	URL         string         // of the collector
	Tokens      *secret.Tokens // nil: none
	HTTP        *http.Client
	Package     int           // events a request
	Concurrency int           // requests at once
	Rate        float64       // events a second; 0: no limit
	Outage      time.Duration // how long a collector that does not take a package is tried; 0: once
	Now         func() time.Time
	Log         *slog.Logger // logs what is waited for; nil logs nothing
}

// Stats say what became of the events.
type Stats struct {
	Packages int64            `json:"packages"`
	Events   int64            `json:"events"`
	Accepted int64            `json:"accepted"`
	Rejected int64            `json:"rejected"`
	Retries  int64            `json:"retries"` // requests that were sent again
	Codes    map[string]int64 `json:"codes"`   // of rejected events
	Slowest  time.Duration    `json:"-"`       // from the first request of a package to its last answer
}

// Next returns the next event as JSON; io.EOF after the last.
type Next func() (string, error)

// Run sends all events. Its error has exit code 65 for a package that the collector refuses as a whole, 64 for a token
// that it does not know, 75 for one that it did not take in time.
func Run(ctx context.Context, cfg Config, next Next) (Stats, error) {
	s := &sender{cfg: cfg, stats: Stats{Codes: map[string]int64{}}}
	if cfg.Rate > 0 {
		s.limiter = rate.NewLimiter(rate.Limit(cfg.Rate), max(cfg.Package, int(cfg.Rate/50)))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	packages := make(chan []byte)
	var workers sync.WaitGroup
	for range cfg.Concurrency {
		workers.Go(func() {
			for body := range packages {
				if err := s.deliver(ctx, body); err != nil {
					cancel(err)
				}
			}
		})
	}
	err := s.read(ctx, next, packages)
	close(packages)
	workers.Wait()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return s.stats, err
}

type sender struct {
	cfg     Config
	limiter *rate.Limiter
	waits   retry.Notice
	mu      sync.Mutex
	stats   Stats
}

// read makes packages of events.
func (s *sender) read(ctx context.Context, next Next, packages chan<- []byte) error {
	for {
		body, n := []byte("["), 0
		var err error
		for n < s.cfg.Package {
			var event string
			if event, err = next(); err != nil {
				break
			}
			if n > 0 {
				body = append(body, ',')
			}
			body = append(body, event...)
			n++
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if n > 0 {
			if s.limiter != nil {
				if err := s.limiter.WaitN(ctx, n); err != nil {
					return ctx.Err()
				}
			}
			select {
			case packages <- append(body, ']'):
			case <-ctx.Done():
				return nil // the cause is asked for
			}
		}
		if err != nil {
			return nil
		}
	}
}

// noticeEvery is how often the log says that packages wait.
const noticeEvery = 10 * time.Second

// again is how long to wait before a package is sent again.
var again = retry.Policy{First: 100 * time.Millisecond, Longest: 5 * time.Second}

// deliver sends a package until the collector has answered for good.
func (s *sender) deliver(ctx context.Context, body []byte) error {
	key, began := newKey(), s.cfg.Now()
	for failures := 1; ; failures++ {
		wait, err := s.post(ctx, key, body)
		if err == nil || !fault.Transient(err) {
			s.mu.Lock()
			s.stats.Slowest = max(s.stats.Slowest, s.cfg.Now().Sub(began))
			s.mu.Unlock()
			return err
		}
		wait = max(wait, again.Delay(failures))
		if s.cfg.Now().Sub(began)+wait > s.cfg.Outage {
			return fault.Fail(fault.ExitTryAgain, err)
		}
		if s.cfg.Log != nil && s.waits.Due(noticeEvery) {
			s.cfg.Log.WarnContext(ctx, "the collector takes nothing, trying again", "until",
				began.Add(s.cfg.Outage).UTC().Format(time.RFC3339), "error", err.Error(), "next", fault.Hint(err))
		}
		s.mu.Lock()
		s.stats.Retries++
		s.mu.Unlock()
		if err := retry.Wait(ctx, wait); err != nil {
			return err
		}
	}
}

func newKey() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// answer is what the collector says.
type answer struct {
	Accepted, Rejected int64
	Code, Message      string
	Items              []struct {
		Status        int
		Code, Message string
	}
}

// reason is why a package is to be sent again: what the answer says of all of it, else of the first event that Kafka
// does not have.
func (a *answer) reason() string {
	code, message := a.Code, a.Message
	for i := 0; code == "" && i < len(a.Items); i++ {
		if a.Items[i].Status == http.StatusServiceUnavailable {
			code, message = a.Items[i].Code, a.Items[i].Message
		}
	}
	return strings.Trim(code+": "+message, ": ")
}

const (
	longestWait  = time.Minute
	longestReply = 64 << 20
)

// post sends a package once.
func (s *sender) post(ctx context.Context, key string, body []byte) (wait time.Duration, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(s.cfg.URL, "/")+"/collect",
		bytes.NewReader(body))
	if err != nil {
		return 0, fault.Fail(fault.ExitUsage, err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", key)
	if token := s.cfg.Tokens.First().Reveal(); token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	got, err := s.cfg.HTTP.Do(r)
	if err != nil {
		return 0, unavailable(ctx, err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(io.LimitReader(got.Body, longestReply))
	if err != nil {
		return 0, unavailable(ctx, err)
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		a.Message = fmt.Sprintf("%.200q", text)
	}
	switch {
	case a.Items != nil && got.StatusCode != http.StatusServiceUnavailable:
		s.count(&a)
		return 0, nil
	case got.StatusCode == http.StatusUnauthorized || got.StatusCode == http.StatusForbidden:
		return 0, fault.WithHint(fault.Failf(fault.ExitUsage, "the collector does not know the token: %s", a.Message),
			"see --token-file")
	case got.StatusCode == http.StatusTooManyRequests, got.StatusCode == http.StatusRequestTimeout,
		got.StatusCode >= http.StatusInternalServerError:
		return retry.After(got.Header.Get("Retry-After"), s.cfg.Now(), longestWait),
			fault.WithHint(fault.Failf(fault.ExitTryAgain, "the collector answers %d: %s", got.StatusCode, a.reason()),
				"its log says why, and so does /ready at its address")
	}
	return 0, fault.Failf(fault.ExitData, "the collector refuses a package with %d %s: %s", got.StatusCode, a.Code,
		a.Message)
}

func unavailable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if authority.Refused(err) { // it does not pass
		return fault.WithHint(fault.Failf(fault.ExitUsage, "the collector's certificate or protocol is not accepted: %w",
			err), "name the authority with --ca-file, or see whether --url should begin with http:")
	}
	return fault.WithHint(fault.Failf(fault.ExitUnavailable, "the collector does not answer: %w", err),
		"start one with txflow collect, or name another with --url")
}

func (s *sender) count(a *answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Packages++
	s.stats.Events += int64(len(a.Items))
	s.stats.Accepted += a.Accepted
	s.stats.Rejected += a.Rejected
	for _, item := range a.Items {
		if item.Code != "" {
			s.stats.Codes[item.Code]++
		}
	}
}
