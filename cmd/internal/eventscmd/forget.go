package eventscmd

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/kafkaflags"
	"github.com/txflow/txflow/cmd/internal/readers"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/events/collect"
	"github.com/txflow/txflow/stream/events/forget"
	"github.com/txflow/txflow/stream/events/tombstone"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/pipeline"
)

func eventsForgetCommand() *cli.Command {
	return &cli.Command{
		Name: "forget", Usage: "erase the events of a user, or of an account, everywhere; cannot be undone",
		Flags: batchcmd.Flags([]cli.Flag{
			&cli.StringFlag{Name: "user", EnvVars: []string{"TXFLOW_FORGET_USER"}, Usage: "events of the user `ID`"},
			&cli.StringFlag{Name: "account", EnvVars: []string{"TXFLOW_FORGET_ACCOUNT"},
				Usage: "events of the account `ID`; with --user, those of that user in it"},
			&cli.BoolFlag{Name: "dry-run", EnvVars: []string{"TXFLOW_FORGET_DRY_RUN"},
				Usage: "count what would be erased, and erase nothing"},
			&cli.BoolFlag{Name: "json", EnvVars: []string{"TXFLOW_FORGET_JSON"}, Usage: "the report as a JSON object"},
			app.Optional{StringFlag: &cli.StringFlag{Name: "objects", Value: "out/events",
				EnvVars: []string{"TXFLOW_EVENTS_OBJECTS"},
				Usage:   "`URL` or folder of what collect and events archive wrote; empty for none"}},
			kafkaflags.ErasureKey,
			&cli.DurationFlag{Name: "wait", Value: 5 * time.Minute, EnvVars: []string{"TXFLOW_FORGET_WAIT"},
				Usage: "wait at most `TIME` for refine and ClickHouse to read what is in Kafka, then exit 75"},
			kafkaflags.RefineGroup,
		}, kafkaflags.Flags, batchcmd.ClickHouseFlags),
		Description: `Erases what was published until now: in gold, raw messages, dead letters, archived objects. A
tombstone with a keyed hash is written first, so that nothing that Kafka, a replay or a sender
delivers again brings the events back; their ids stay taken. Events that the person sends later
are taken again. Ended at any moment, the same command goes on. Kafka's topics keep their
messages until their retention ends: the report says until when. The user of ClickHouse needs
the right to delete.

   txflow events forget --user user-7 --dry-run
   txflow events forget --user user-7 --account company-123
   txflow events forget --account company-123 --objects s3://events/archive --json`,
		Action: app.Action(runForget),
	}
}

func runForget(c *cli.Context, rt *app.Runtime) error {
	person := event.Person{User: c.String("user"), Account: c.String("account")}
	if err := checkPerson(c, person); err != nil {
		return err
	}
	broker, err := kafkaflags.Config(c, rt)
	if err := app.Usage(c, err, app.Positive(c, "wait")); err != nil {
		return err
	}
	if err := broker.Reach(c.Context); err != nil {
		return err
	}
	db, err := batchcmd.StoreNow(c, rt)
	if err != nil {
		return err
	}
	defer db.Close()
	show := newSteps(rt)
	f := forget.Forget{Person: person, Tables: db, Objects: rt.Artifacts, Folder: c.String("objects"),
		ItemBytes: collect.DefaultMaxEventBytes, Progress: show.at}
	if c.Bool("dry-run") {
		r, err := f.Count(c.Context)
		if err != nil {
			return err
		}
		return report(c, rt, db, broker, &r, true)
	}
	return erase(c, rt, db, broker, &f)
}

// checkPerson is an error of usage for a person that nobody is.
func checkPerson(c *cli.Context, p event.Person) error {
	if c.Args().Present() {
		return fault.Failf(fault.ExitUsage, "events forget takes no arguments, only flags: %q", c.Args().First())
	}
	if err := p.Validate(); err != nil {
		return fault.WithHint(fault.Failf(fault.ExitUsage, "%w", err),
			"name the ids as the sender wrote them: txflow events forget --user ID [--account ID]")
	}
	return nil
}

func erase(c *cli.Context, rt *app.Runtime, db *store.Store, broker kafka.Config, f *forget.Forget) error {
	ctx := c.Context
	if err := db.MayErase(ctx); err != nil {
		return err
	}
	if err := requireTopic(ctx, broker); err != nil {
		return err
	}
	others, err := db.Erasures(ctx)
	if err != nil {
		return err
	}
	file := c.String(kafkaflags.ErasureKey.Name)
	var made bool
	if f.Key, made, err = erasureKey(file, len(others) > 0); err != nil {
		return err
	}
	if made {
		_, _ = fmt.Fprintf(rt.Stderr, "a key was made: %s; refine and archive need the same file, and a backup of its "+
			"own\n", file)
	}
	follower, err := kafka.OpenFollower(broker, events.Tombstones)
	if err != nil {
		return err
	}
	defer func() { _ = follower.Close() }() // it only read
	f.Tombstones = tombstone.NewSet(follower, file, rt.Log)
	f.Stream = &forgetStream{broker, c.String("group"), c.Duration("wait"), rt.Stderr}
	r, err := f.Run(ctx)
	if err != nil {
		return fault.WithHint(err, "the same command goes on with what is left; txflow doctor shows what is pending")
	}
	return report(c, rt, db, broker, &r, false)
}

// requireTopic is an error where Kafka has no topic for tombstones.
func requireTopic(ctx context.Context, broker kafka.Config) error {
	admin, err := kafka.NewAdmin(broker)
	if err != nil {
		return err
	}
	defer admin.Close()
	have, err := admin.Topics(ctx, []string{events.Tombstones})
	if err == nil && len(have) == 0 {
		err = fault.WithHint(fault.Failf(fault.ExitUnavailable, "Kafka at %s has no topic %s", broker.Brokers,
			events.Tombstones), "make it with txflow topics apply")
	}
	return err
}

// forgetStream implements forget.Stream.
type forgetStream struct {
	broker kafka.Config
	group  string // of refine
	wait   time.Duration
	stderr io.Writer
}

func (s *forgetStream) Publish(ctx context.Context, r pipeline.Record) error {
	producer, err := kafka.NewProducer(s.broker)
	if err != nil {
		return err
	}
	defer producer.Close()
	if err := producer.Send(ctx, r); err != nil {
		return err
	}
	return producer.Flush(ctx)
}

func (s *forgetStream) Read(ctx context.Context) error {
	return readers.WaitRead(ctx, s.broker, s.wait, s.stderr, [][2]string{{readers.EventsRaw, events.Raw},
		{readers.EventsSilver, events.Silver}, {readers.EventsDeadLetters, events.DeadLetters}})
}

// Refined implements forget.Stream.
func (s *forgetStream) Refined(ctx context.Context) error {
	at, err := kafka.OpenStatus(s.broker)
	if err != nil {
		return err
	}
	defer func() { _ = at.Close() }() // it only read
	deadline := time.Now().Add(s.wait)
	ends := map[int32]int64{}
	for {
		look, err := at.Look(ctx, s.group, events.Raw)
		if err != nil {
			return err
		}
		left := int64(0)
		for _, p := range look.Partitions {
			if _, ok := ends[p.Number]; !ok {
				ends[p.Number] = p.End
			}
			left += max(min(ends[p.Number], p.End)-p.Next(), 0)
		}
		if left == 0 || look.Members == 0 { // members that start know the tombstone
			return nil
		}
		if time.Now().After(deadline) {
			return fault.WithHint(fault.Failf(fault.ExitTryAgain, "after %s the group %s has not read %s of %s",
				s.wait, s.group, display.Count(left, "message"), events.Raw),
				"the tombstone holds, nothing else is erased yet: run the same command again; txflow stream status shows "+
					"whether refine goes on")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(refinedPoll):
		}
	}
}

const refinedPoll = 200 * time.Millisecond
