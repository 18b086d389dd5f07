package streamcmd

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/instance"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/pipeline"
)

// What brokers take for a session, unless somebody has changed their bounds.
const (
	leastSession = 6 * time.Second
	mostSession  = 30 * time.Minute
)

const forever = 365 * 24 * time.Hour

// memberFlags are those of every member of a group that reads, handles and writes.
var memberFlags = []cli.Flag{
	&cli.StringFlag{Name: "instance", EnvVars: []string{"TXFLOW_STREAM_INSTANCE"},
		Usage: "static member id `NAME`: unique in the group, the same after a restart (default: the host name)"},
	&cli.StringFlag{Name: "instance-dir", EnvVars: []string{"TXFLOW_STREAM_INSTANCE_DIR"},
		Usage: "shared `FOLDER` from which a member takes the first free name; for identical replicas"},
	&cli.DurationFlag{Name: "session-timeout", Value: kafka.DefaultSessionTimeout,
		EnvVars: []string{"TXFLOW_STREAM_SESSION_TIMEOUT"},
		Usage:   "`TIME` after which others take over a member's partitions; a restart within it moves none"},
	&cli.IntFlag{Name: "transaction-rows", Value: pipeline.DefaultBatchMessages,
		EnvVars: []string{"TXFLOW_STREAM_TRANSACTION_ROWS"}, Usage: "maximum `N` messages per Kafka transaction"},
	&cli.IntFlag{Name: "max-message-bytes", Value: 512 << 10, EnvVars: []string{"TXFLOW_STREAM_MAX_MESSAGE_BYTES"},
		Usage: "maximum message size of `N` bytes, with key and headers; a larger one becomes a dead letter without them"},
	&cli.DurationFlag{Name: "max-wait", Value: 100 * time.Millisecond, EnvVars: []string{"TXFLOW_STREAM_MAX_WAIT"},
		Usage: "maximum `TIME` that a message waits for a batch to fill"},
	&cli.DurationFlag{Name: "drain", Value: 10 * time.Second, EnvVars: []string{"TXFLOW_STREAM_DRAIN"},
		Usage: "graceful-shutdown timeout: `TIME` for messages in flight"},
	app.Optional{StringFlag: &cli.StringFlag{Name: "watch-addr", EnvVars: []string{"TXFLOW_STREAM_WATCH_ADDR"},
		Usage: "serve /healthz, /readyz and /metrics at `HOST:PORT`; empty = off"}},
	&cli.DurationFlag{Name: "stuck", Value: time.Minute, EnvVars: []string{"TXFLOW_STREAM_STUCK"},
		Usage: "readiness timeout: /readyz returns 503 after `TIME` without a commit while messages wait, or without Kafka"},
}

// instanceOf is the name of this member: the host's where none is given.
func instanceOf(c *cli.Context) (string, error) {
	if name := c.String("instance"); name != "" {
		if err := kafka.ValidateInstance(name); err != nil {
			return "", fmt.Errorf("--instance: %w", err)
		}
		return name, nil
	}
	host, err := os.Hostname()
	if err == nil {
		err = kafka.ValidateInstance(host)
	}
	if err != nil {
		return "", fmt.Errorf("--instance is needed, since this host has no name that serves: %w", err)
	}
	return host, nil
}

// heldInstance is the name of this member, which with --instance-dir is its own until release.
func heldInstance(c *cli.Context) (name string, release func(), err error) {
	dir := c.String("instance-dir")
	switch {
	case dir == "":
		name, err = instanceOf(c)
		return name, func() {}, err
	case c.String("instance") != "":
		return "", func() {}, errors.New("--instance and --instance-dir exclude each other")
	}
	if name, release, err = instance.Hold(dir, "member"); err != nil {
		return "", func() {}, fmt.Errorf("--instance-dir: %w", err)
	}
	return name, release, nil
}

// memberConfig reads memberFlags, and the flag of the group.
func memberConfig(c *cli.Context, rt *app.Runtime, observer pipeline.Observer) pipeline.Config {
	return pipeline.Config{Group: c.String("group"), Now: time.Now, Tracer: rt.Tracer, Log: rt.Log, Observer: observer,
		BatchMessages: c.Int("transaction-rows"), MaxMessage: c.Int("max-message-bytes"), MaxWait: c.Duration("max-wait"),
		DrainLimit: c.Duration("drain")}
}

// runMember works as a member of the group until it ends. A member that the broker lost track of joins again.
func runMember(c *cli.Context, rt *app.Runtime, member kafka.SessionConfig, handler func() pipeline.Handler,
	cfg pipeline.Config, watch *streamWatch) error {
	for {
		err := memberSession(c, member, handler(), cfg, watch)
		if !errors.Is(err, kafka.ErrLost) || c.Context.Err() != nil {
			watch.sum(rt.Stderr)
			return err
		}
		rt.Log.WarnContext(c.Context, "joining the group again", "error", err)
	}
}

// memberSession works as a member of the group until it ends.
func memberSession(c *cli.Context, member kafka.SessionConfig, handler pipeline.Handler, cfg pipeline.Config,
	watch *streamWatch) error {
	session, err := kafka.OpenSession(c.Context, member)
	if err != nil {
		return err
	}
	unfollow := func() {}
	if c.String("watch-addr") != "" { // else nobody asks
		unfollow = watch.follow(c.Context, session)
	}
	err = pipeline.New(session, handler, cfg).Run(c.Context)
	unfollow()
	if closeErr := session.Close(); err == nil {
		err = closeErr
	}
	return err
}
