package streamcmd

import (
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/kafkaflags"
	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/events/refine"
	"github.com/txflow/txflow/stream/events/tombstone"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/registry"
)

func streamRefineCommand() *cli.Command {
	return &cli.Command{
		Name: "refine", Usage: "refine live events; exactly-once within Kafka",
		Flags: batchcmd.Flags([]cli.Flag{kafkaflags.RefineGroup,
			&cli.DurationFlag{Name: "dedup-window", Value: refine.DefaultWindow, EnvVars: []string{"TXFLOW_DEDUP_WINDOW"},
				Usage: "find duplicates for `TIME`, by the broker's time"},
			&cli.IntFlag{Name: "dedup-ids", Value: refine.DefaultMaxIDs, EnvVars: []string{"TXFLOW_DEDUP_IDS"},
				Usage: "keep at most `N` ids of events, about 45 bytes each; more shorten the window, which is logged"},
			app.Optional{StringFlag: &cli.StringFlag{Name: "rules", EnvVars: []string{"TXFLOW_RULES"},
				Usage: "`FILE` with the rules of context and score, read again when it changes; empty for the default ones"}},
			&cli.BoolFlag{Name: "print-rules", EnvVars: []string{"TXFLOW_PRINT_RULES"},
				Usage: "print the default rules and end"},
			app.Optional{StringFlag: &cli.StringFlag{Name: "registry-url", EnvVars: []string{"SCHEMA_REGISTRY_URL"},
				Usage: "`URL` of the Schema Registry, for events of other versions of the schema; empty for none"}},
			kafkaflags.ErasureKey,
		}, memberFlags, kafkaflags.Flags),
		Description: `Reads ` + events.Raw +
			`, validates again, removes duplicates, says of each event what it is about and how good it is, and writes
` + events.Silver + ` or ` + events.DeadLetters +
			`. Results, dead letters and offsets are one Kafka transaction. Any number may run; each
needs an --instance of its own: of two with the same one the newer takes over, and the older exits 64. What
duplicates are found by is read from ` + events.Claims + ` when partitions are assigned.

   txflow stream refine
   txflow stream refine --print-rules > rules.json
   txflow stream refine --rules rules.json --watch-addr 127.0.0.1:9466
   txflow stream refine --instance b --dedup-ids 50000000 --kafka-brokers kafka:9092`,
		Action: app.Action(runRefine),
	}
}

func runRefine(c *cli.Context, rt *app.Runtime) error {
	if c.Bool("print-rules") {
		_, err := rt.Stdout.Write(event.DefaultRules)
		return err
	}
	instance, release, instanceErr := heldInstance(c)
	defer release()
	broker, kafkaErr := kafkaflags.Config(c, rt)
	watch := newRefineWatch(rt, max(c.Duration("stuck"), time.Second))
	cfg := memberConfig(c, rt, watch)
	cfg.Name, cfg.Ledger, cfg.Topic, cfg.DeadLetters = events.Name, events.Ledger, events.Raw, events.DeadLetters
	handlerCfg := refine.Config{Now: time.Now, Log: rt.Log, Window: c.Duration("dedup-window"), MaxIDs: c.Int("dedup-ids")}
	if err := app.Usage(c, cfg.Validate(), handlerCfg.Validate(), kafkaErr, instanceErr,
		app.DurationErr(c, "session-timeout", leastSession, mostSession),
		app.DurationErr(c, "stuck", time.Second, forever)); err != nil {
		return err
	}
	var err error
	if handlerCfg.Rules, err = refine.OpenRules(c.String("rules"), rt.Log); err != nil {
		return err
	}
	if url := c.String("registry-url"); url != "" {
		if handlerCfg.Schemas, err = registry.New(url); err != nil {
			return err
		}
	}
	handlerCfg.Claims = kafka.Topic{Config: broker, Name: events.Claims}
	handlerCfg.Silver = kafka.Topic{Config: broker, Name: events.Silver}
	tombstones, err := kafka.OpenFollower(broker, events.Tombstones)
	if err != nil {
		return err
	}
	defer func() { _ = tombstones.Close() }() // it only read
	handlerCfg.Forgotten = tombstone.NewSet(tombstones, c.String(kafkaflags.ErasureKey.Name), rt.Log)
	handler := refine.New(handlerCfg)
	watch.Register.MustRegister(handler)
	stop, err := watch.serve(c.Context, c.String("watch-addr"))
	if err != nil {
		return err
	}
	defer stop()
	member := kafka.SessionConfig{Config: broker, Topic: cfg.Topic, Group: cfg.Group, Instance: instance,
		Timeout: c.Duration("session-timeout")}
	return runMember(c, rt, member, func() pipeline.Handler {
		handler.Reset()
		return handler
	}, cfg, watch)
}
