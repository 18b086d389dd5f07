package streamcmd

import (
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/kafkaflags"
	"github.com/txflow/txflow/ml_api/client"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/topics"
	"github.com/txflow/txflow/stream/transactions"
	"github.com/txflow/txflow/stream/transactions/classify"
)

func streamClassifyCommand() *cli.Command {
	return &cli.Command{
		Name: "classify", Usage: "classify live transactions; exactly-once within Kafka",
		Flags: batchcmd.Flags([]cli.Flag{kafkaflags.Group,
			batchcmd.SourceOfIDsFlag("TXFLOW_SOURCE", "source system `NAME` of messages without a source"),
		}, memberFlags, streamMLFlags(), kafkaflags.Flags),
		Description: `Results, dead letters and offsets are one Kafka transaction. While the ML API is unavailable the
partitions are paused and nothing is lost. Any number may run; each needs an --instance of its
own: of two with the same one the newer takes over, and the older exits 64.

   txflow stream classify
   txflow stream classify --watch-addr 127.0.0.1:9464
   txflow stream classify --instance b --kafka-brokers kafka:9092 --ml-url http://ml:8000`,
		Action: app.Action(runClassify),
	}
}

// streamMLFlags are those of batch, but for how long an outage is waited for: here, always.
func streamMLFlags() []cli.Flag {
	var flags []cli.Flag
	for _, f := range batchcmd.MLFlags {
		if f.Names()[0] != "ml-outage" {
			flags = append(flags, f)
		}
	}
	return flags
}

func runClassify(c *cli.Context, rt *app.Runtime) error {
	instance, release, instanceErr := heldInstance(c)
	defer release()
	broker, kafkaErr := kafkaflags.Config(c, rt)
	watch := newStreamWatch(rt, max(c.Duration("stuck"), time.Second))
	cfg := memberConfig(c, rt, watch)
	cfg.Name, cfg.Ledger, cfg.Topic, cfg.DeadLetters = transactions.Name, transactions.Ledger, topics.Raw,
		topics.DeadLetters
	handlerCfg := classify.Config{Source: c.String("source"), Now: time.Now, BatchRows: c.Int("batch-rows"),
		Concurrency: c.Int("concurrency")}
	ml, mlErr := batchcmd.ClientConfig(c, rt)
	ml.OutageLimit, ml.Patient, ml.Observe = forever, true, watch.call
	handlerCfg.Refusals = ml.Refusals
	if err := app.Usage(c, cfg.Validate(), handlerCfg.Validate(), kafkaErr, instanceErr, mlErr,
		app.DurationErr(c, "session-timeout", leastSession, mostSession),
		app.DurationErr(c, "stuck", time.Second, forever)); err != nil {
		return err
	}
	api, err := client.New(ml)
	if err != nil {
		return err
	}
	defer api.Close()
	watch.api = api
	stop, err := watch.serve(c.Context, c.String("watch-addr"))
	if err != nil {
		return err
	}
	defer stop()
	member := kafka.SessionConfig{Config: broker, Topic: cfg.Topic, Group: cfg.Group, Instance: instance,
		Timeout: c.Duration("session-timeout")}
	return runMember(c, rt, member, func() pipeline.Handler { return classify.New(api, handlerCfg) }, cfg, watch)
}
