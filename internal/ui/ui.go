// Package ui is a read-only web page about what txflow stored and does: server-rendered, without state of its own. It
// reads ClickHouse as any client does, and asks Kafka and Jaeger where they are there.
package ui

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/sameorigin"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/status"
)

// DefaultAddr is where the page is served.
const DefaultAddr = "127.0.0.1:8090"

// Bounds of a query of a page.
func Bounds() *store.Bounds {
	return &store.Bounds{Time: 10 * time.Second, Memory: 512 << 20, Rows: maxRows + 1}
}

// Database is what the pages are made of. It must be one that only reads: store.Config.ReadOnly with Bounds.
type Database interface {
	Select(ctx context.Context, dest any, sql string, values map[string]string) error
	Lineage(ctx context.Context, id transaction.ID) (*store.Lineage, error)
	DeadLetters(ctx context.Context, q ledger.DeadLetterQuery) ([]ledger.DeadLetterState, error)
	CountDeadLetters(ctx context.Context, q ledger.DeadLetterQuery) ([]ledger.DeadLetterCount, error)
	KafkaTables(ctx context.Context) ([]store.KafkaTable, error)
	EventStory(ctx context.Context, id event.ID) (*store.EventStory, error)
	EventPackage(ctx context.Context, correlation string) ([]store.EventPackageItem, error)
	Address() string
}

// Looker looks at the consumer groups of the stream.
type Looker interface {
	// Look returns how far each group is, in the same order every time. It is called by one goroutine at a time.
	Look(ctx context.Context) ([]status.Look, error)
	// Stalled says for each group why its reader does not progress between two looks; "" where it does.
	Stalled(ctx context.Context, before, now []status.Look) map[string]string
}

// Traces are had from Jaeger.
type Traces interface {
	// Raw returns a trace as Jaeger has it; jaegerapi.ErrNotFound where there is none.
	Raw(ctx context.Context, traceID string) (json.RawMessage, error)
}

// Config is what the pages need.
type Config struct {
	DB      Database
	Stream  Looker         // nil: the page of the stream has no offsets
	Traces  Traces         // nil: the page has the ids of traces only
	Jaeger  string         // URL of Jaeger's own page, for links; "" for none
	Airflow string         // URL of Airflow's page, for links; "" for none
	Tokens  *secret.Tokens // asked for where it is not nil
	Version string
	Log     *slog.Logger
	Now     func() time.Time // nil: time.Now
}

// UI serves the pages.
type UI struct {
	cfg     Config
	views   views
	handler http.Handler

	life context.Context // ends with Close
	stop context.CancelFunc
	work sync.WaitGroup

	overview   snapshot[*overviewData]
	merchants  snapshot[[]merchantRow]
	eventTypes snapshot[[]eventType]
	stream     snapshot[*streamData]
	lastLooks  []status.Look // of the stream, for rates; the snapshot fetches one at a time
}

// New makes the pages.
func New(cfg Config) (*UI, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	u := &UI{cfg: cfg}
	var err error
	if u.views, err = parseViews(); err != nil {
		return nil, err
	}
	u.life, u.stop = context.WithCancel(context.Background())
	u.overview = snapshot[*overviewData]{load: u.loadOverview, start: u.start}
	u.merchants = snapshot[[]merchantRow]{load: u.loadMerchants, start: u.start}
	u.eventTypes = snapshot[[]eventType]{load: u.loadEventTypes, start: u.start}
	u.stream = snapshot[*streamData]{load: u.loadStream, start: u.start}
	u.handler = sameorigin.Handler(u.guarded(u.routes()))
	return u, nil
}

// start runs something in the background until it ends or Close ends it.
func (u *UI) start(work func(context.Context)) { u.work.Go(func() { work(u.life) }) }

// Close ends what runs in the background.
func (u *UI) Close() {
	u.stop()
	u.work.Wait()
}

// ServeHTTP implements http.Handler.
func (u *UI) ServeHTTP(w http.ResponseWriter, r *http.Request) { u.handler.ServeHTTP(w, r) }

func (u *UI) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET "+assetPath+"{name}", serveAsset)
	mux.Handle("GET /metrics", u.metrics())
	for pattern, build := range map[string]builder{
		"/{$}":                   u.overviewPage,
		"/runs":                  u.runsPage,
		"/runs/{run}":            u.runPage,
		"/runs/{run}/rows":       u.runRowsPage,
		"/runs/{run}/rejected":   u.rejectedPage,
		"/runs/{run}/duplicates": u.duplicatesPage,
		"/transactions":          u.transactionsPage,
		"/transactions/{id}":     u.transactionPage,
		"/events":                u.eventsPage,
		"/events/{id}":           u.eventPage,
		"/dead-letters":          u.deadLettersPage,
		"/dead-letters/one":      u.deadLetterPage,
		"/stream":                u.streamPage,
		"/traces/{trace}":        u.tracePage,
		"/{rest...}":             notFound,
	} {
		mux.Handle("GET "+pattern, u.serve(build))
	}
	return mux
}
