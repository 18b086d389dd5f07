//go:build !noembed

package platformcmd

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/readers"
	"github.com/txflow/txflow/internal/embedded"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/watch"
)

// platformHealth serves /readyz and /metrics at ClickHouse's address, and gives Kafka tables that stall new consumers.
type platformHealth struct {
	ready   atomic.Pointer[func() error]
	metrics atomic.Pointer[http.Handler]
}

var errStarting = errors.New("the platform is starting")

// routes are what the platform answers itself, before ClickHouse.
func (h *platformHealth) routes() map[string]http.Handler {
	return map[string]http.Handler{
		"/readyz": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			err := errStarting
			if ready := h.ready.Load(); ready != nil {
				err = (*ready)()
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
			_, _ = io.WriteString(w, "ok\n") // an error means that the client is gone
		}),
		"/metrics": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if metrics := h.metrics.Load(); metrics != nil {
				(*metrics).ServeHTTP(w, r)
			}
		}),
	}
}

// reattachTime is how long a Kafka table may take to be detached and attached.
const reattachTime = 30 * time.Second

// run follows ClickHouse's Kafka tables until the context ends. The error has exit code 75 when one hangs and only
// another process can help. Without Kafka there are none to follow.
func (h *platformHealth) run(ctx context.Context, rt *app.Runtime, limit time.Duration, p *embedded.Platform,
	clickhouse string) error {
	fine := func() error { return nil }
	if p.KafkaAddr() == "" {
		h.ready.Store(&fine)
		<-ctx.Done()
		return nil
	}
	at, err := kafka.OpenStatus(kafka.Config{Brokers: p.KafkaAddr(), Log: rt.Log})
	if err != nil {
		return err
	}
	defer func() { _ = at.Close() }() // it only read
	db, err := store.Open(store.Config{URL: secret.NewURL(clickhouse), Log: rt.Log})
	if err != nil {
		return err
	}
	defer db.Close()
	follow, registry := readers.Follow(limit, at, db)
	ready, metrics := follow.Ready, promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	h.ready.Store(&ready)
	h.metrics.Store(&metrics)
	reattach := func(ctx context.Context, table string) error {
		at := slices.IndexFunc(readers.All, func(r readers.Reader) bool { return r.Table == table })
		return db.ReattachKafka(ctx, table,
			func(ctx context.Context) error { return p.ForgetMembers(ctx, readers.All[at].Group) })
	}
	recovery := watch.Recovery{Reattach: reattach, Log: rt.Log, Limit: limit, Deadline: reattachTime}
	return follow.Run(ctx, recovery.Act)
}
