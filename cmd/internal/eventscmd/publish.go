package eventscmd

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/kafkaflags"
	"github.com/txflow/txflow/cmd/internal/streamcmd"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/events/analytics"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/pipeline"
)

func eventsPublishCommand() *cli.Command {
	return &cli.Command{
		Name: "publish", Usage: "publish roll-ups of events to " + events.Analytics + ", until it is stopped",
		Flags: batchcmd.Flags([]cli.Flag{
			&cli.BoolFlag{Name: "once", EnvVars: []string{"TXFLOW_EVENTS_PUBLISH_ONCE"},
				Usage: "end when the topic says what gold says"},
			&cli.DurationFlag{Name: "every", Value: 30 * time.Second, EnvVars: []string{"TXFLOW_EVENTS_PUBLISH_EVERY"},
				Usage: "look every `TIME` for changes"},
			app.Optional{StringFlag: &cli.StringFlag{Name: "watch-addr", EnvVars: []string{"TXFLOW_EVENTS_PUBLISH_WATCH_ADDR"},
				Usage: "serve /healthz, /readyz and /metrics at `HOST:PORT`; empty for none"}},
		}, kafkaflags.Flags, batchcmd.ClickHouseFlags),
		Description: `Compares what events add up to in ClickHouse with what ` + events.Analytics + ` has, and publishes each
roll-up that is new or has changed: by account, type, context and hour; by account; by type. A
message replaces the one of its key: late events and corrections are new messages, and a roll-up
without events is a message without a value. Killed at any time, it goes on where the topic is. It
compares all events when it starts and after something was deleted; from then on it reads what is
new. It needs INSERT and ALTER DELETE on event_entries. Run one such process: two would enter the
same events twice.

   txflow events publish
   txflow events publish --once`,
		Action: app.Action(runEventsPublish),
	}
}

func runEventsPublish(c *cli.Context, rt *app.Runtime) error {
	cfg, err := kafkaflags.Config(c, rt)
	if err := app.Usage(c, err, app.DurationErr(c, "every", 10*time.Millisecond, time.Hour)); err != nil {
		return err
	}
	if c.Bool("once") {
		if err := cfg.Reach(c.Context); err != nil {
			return err
		}
	}
	db, err := batchcmd.Store(c, rt)
	if err != nil {
		return err
	}
	defer db.Close()
	to := &sink{cfg: cfg}
	defer to.close()
	p := analytics.New(analytics.Config{Gold: db, Now: time.Now, Log: rt.Log, Sink: to,
		Read: kafka.Topic{Config: cfg, Name: events.Analytics}.ReadAll})
	var done atomic.Bool
	registry := prometheus.NewRegistry()
	registry.MustRegister(p)
	stop, err := streamcmd.ServeWatch(c.Context, c.String("watch-addr"), func() error {
		if !done.Load() {
			return errors.New("the last look has not ended well")
		}
		return nil
	}, registry, rt.Stderr)
	if err != nil {
		return err
	}
	defer stop()
	for {
		d, err := p.Publish(c.Context)
		wait := c.Duration("every")
		done.Store(err == nil)
		switch {
		case c.Context.Err() != nil:
			return nil
		case c.Bool("once") && err == nil:
			_, _ = fmt.Fprintf(rt.Stderr, "%s published, %s removed; %s has %s\n",
				display.Count(d.Published, "roll-up"), display.Thousands(int64(d.Removed)), events.Analytics,
				display.Thousands(int64(d.Keys)))
			return nil
		case err != nil && (c.Bool("once") || !fault.Transient(err)):
			return err
		case err != nil:
			rt.Log.WarnContext(c.Context, "trying again", "error", err)
			wait = min(wait, retryAfter)
		}
		select {
		case <-c.Context.Done():
		case <-time.After(wait):
		}
	}
}

// retryAfter is how long a look that failed waits for the next.
const retryAfter = 2 * time.Second

// sink makes a producer when there is something to send, and another one after an error: it is of no more use then.
type sink struct {
	cfg kafka.Config
	p   *kafka.Producer
}

// Send implements analytics.Sink.
func (s *sink) Send(ctx context.Context, r pipeline.Record) (err error) {
	if s.p == nil {
		if s.p, err = kafka.NewProducer(s.cfg); err != nil {
			return err
		}
	}
	return s.ended(s.p.Send(ctx, r))
}

// Flush implements analytics.Sink.
func (s *sink) Flush(ctx context.Context) error {
	if s.p == nil {
		return nil
	}
	return s.ended(s.p.Flush(ctx))
}

func (s *sink) ended(err error) error {
	if err != nil {
		s.close()
	}
	return err
}

func (s *sink) close() {
	if s.p != nil {
		s.p.Close()
		s.p = nil
	}
}
