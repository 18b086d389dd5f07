package eventscmd

import (
	"context"
	"fmt"
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
	"github.com/txflow/txflow/stream/events/archive"
	"github.com/txflow/txflow/stream/events/tombstone"
	"github.com/txflow/txflow/stream/kafka"
)

func eventsArchiveCommand() *cli.Command {
	return &cli.Command{
		Name: "archive", Usage: "copy refined events to an object store, until it is stopped",
		Flags: batchcmd.Flags([]cli.Flag{
			&cli.StringFlag{Name: "objects", Value: "out/events", EnvVars: []string{"TXFLOW_EVENTS_OBJECTS"},
				Usage: "write below this `URL` or folder"},
			&cli.StringFlag{Name: "group", Value: "txflow-events-archive", EnvVars: []string{"TXFLOW_EVENTS_ARCHIVE_GROUP"},
				Usage: "consumer group `NAME` that keeps how far the copy is"},
			&cli.BoolFlag{Name: "once", EnvVars: []string{"TXFLOW_EVENTS_ARCHIVE_ONCE"},
				Usage: "end when all that is complete is copied"},
			&cli.DurationFlag{Name: "every", Value: 10 * time.Second, EnvVars: []string{"TXFLOW_EVENTS_ARCHIVE_EVERY"},
				Usage: "look every `TIME` for more"},
			app.Optional{StringFlag: &cli.StringFlag{Name: "watch-addr", EnvVars: []string{"TXFLOW_EVENTS_ARCHIVE_WATCH_ADDR"},
				Usage: "serve /healthz, /readyz and /metrics at `HOST:PORT`; empty for none"}},
			kafkaflags.ErasureKey,
		}, kafkaflags.Flags),
		Description: fmt.Sprintf(`Makes an object for each range of %d offsets of a partition of %s,
once all of them are decided: OBJECTS/silver/DATE/PARTITION-OFFSET-TOPICID.ndjson, an event a line.
DATE is that of the first event, by the broker's clock. Names and contents are always the same,
however often a range is copied; an object that is there is left as it is. Therefore the last range
waits until it is full: with little traffic for hours. One such process is enough; more do no harm.

   txflow events archive
   txflow events archive --once --objects s3://events/archive`, archive.Range, events.Silver),
		Action: app.Action(runEventsArchive),
	}
}

func runEventsArchive(c *cli.Context, rt *app.Runtime) error {
	cfg, err := kafkaflags.Config(c, rt)
	if err := app.Usage(c, err, app.DurationErr(c, "every", 10*time.Millisecond, time.Hour)); err != nil {
		return err
	}
	if c.Bool("once") {
		if err := cfg.Reach(c.Context); err != nil {
			return err
		}
	}
	log, err := kafka.OpenRanges(cfg, c.String("group"), events.Silver)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // what is done is recorded
	tombstones, err := kafka.OpenFollower(cfg, events.Tombstones)
	if err != nil {
		return err
	}
	defer func() { _ = tombstones.Close() }() // it only read
	a := archive.Archiver{Log: log, Store: rt.Artifacts, Objects: c.String("objects"), Slog: rt.Log,
		Forgotten: tombstone.NewSet(tombstones, c.String(kafkaflags.ErasureKey.Name), rt.Log)}
	var copied archived
	registry := prometheus.NewRegistry()
	registry.MustRegister(&copied)
	stopped, err := streamcmd.ServeWatch(c.Context, c.String("watch-addr"), copied.ready, registry, rt.Stderr)
	if err != nil {
		return err
	}
	defer stopped()
	var all archive.Done
	for {
		done, err := a.Run(c.Context)
		copied.ended(done, err)
		all.Objects, all.There, all.Events = all.Objects+done.Objects, all.There+done.There, all.Events+done.Events
		stop := c.Bool("once") || c.Context.Err() != nil
		if err != nil && !stop && fault.Transient(err) {
			rt.Log.WarnContext(c.Context, "trying again", "error", err)
			err = nil
		}
		if err == nil && stop || err != nil && all.Objects > 0 {
			_, _ = fmt.Fprintf(rt.Stderr, "%s with %s made, %s found made before; not in a full range yet: %s\n",
				display.Count(all.Objects, "object"), display.Count(all.Events, "event"), display.Thousands(int64(all.There)),
				display.Count(done.Waiting, "offset"))
		}
		if err != nil || stop {
			return ignoreEnd(c.Context, err)
		}
		select {
		case <-c.Context.Done():
		case <-time.After(c.Duration("every")):
		}
	}
}

// ignoreEnd is the error of work that is continued later, unless it was asked to end.
func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
