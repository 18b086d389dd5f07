//go:build !noembed

package platformcmd

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/kafkaflags"
	"github.com/txflow/txflow/cmd/internal/readers"
	"github.com/txflow/txflow/cmd/internal/uicmd"
	"github.com/txflow/txflow/internal/embedded"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/httpserve"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/internal/ui"
	"github.com/txflow/txflow/stream/kafka"
)

var pageAddrFlag = &cli.StringFlag{Name: "ui-addr", Value: ui.DefaultAddr, EnvVars: []string{"TXFLOW_PLATFORM_UI"},
	Usage: "the page of txflow ui is served at `HOST:PORT`; empty for none; it asks for ClickHouse's password where " +
		"there is one"}

// pageAddrErr refuses a page beyond this machine that would ask for nothing.
func pageAddrErr(c *cli.Context, password string) error {
	if addr := c.String(pageAddrFlag.Name); addr != "" && password == "" && !httpserve.Loopback(addr) {
		return fault.WithHint(fault.Failf(fault.ExitUsage,
			"--ui-addr %s is beyond this machine: the page must ask for a password there", addr), "set TXFLOW_PLATFORM_PASSWORD")
	}
	return nil
}

// platformPage serves the page beside the platform until stop is called. It never keeps the platform from running:
// where its address is taken, it says so and serves none.
func platformPage(c *cli.Context, rt *app.Runtime, p *embedded.Platform, password string) (stop func()) {
	stop = func() {}
	addr := c.String(pageAddrFlag.Name)
	if addr == "" {
		return stop
	}
	server, closed, err := openPage(c, rt, p, password, addr)
	if err != nil {
		_, _ = fmt.Fprintf(rt.Stderr, "no page is served: %s; --ui-addr (TXFLOW_PLATFORM_UI) names another address\n", err)
		return stop
	}
	_, _ = fmt.Fprintf(rt.Stdout, "TXFLOW_UI_URL=%s\n", server.URL())
	return func() {
		server.Close()
		closed()
	}
}

func openPage(c *cli.Context, rt *app.Runtime, p *embedded.Platform, password, addr string) (_ *uicmd.Server,
	closed func(), err error) {
	tokens, err := secret.NewTokens(password, "")
	if err != nil {
		return nil, nil, fmt.Errorf("ClickHouse's password as the page's token: %w", err)
	}
	db, err := store.Open(store.Config{URL: secret.NewURL(platformURL(p, password)), OutageLimit: -1, Log: rt.Log,
		ReadOnly: ui.Bounds()})
	if err != nil {
		return nil, nil, err
	}
	closed = db.Close
	defer func() {
		if err != nil {
			closed()
		}
	}()
	cfg := &ui.Config{DB: db, Tokens: tokens, Traces: uicmd.Jaeger(c.String("jaeger-url")), Jaeger: c.String("jaeger-url"),
		Airflow: c.String("airflow-url"), Version: c.App.Version, Log: rt.Log}
	if p.KafkaAddr() != "" {
		look, done, err := readers.NewLooker(kafka.Config{Brokers: p.KafkaAddr(), Log: rt.Log}, db, kafkaflags.Group.Value,
			kafkaflags.GroupOfRefine.Value, c.Duration(readers.StalledFlag.Name))
		if err != nil {
			return nil, nil, err
		}
		cfg.Stream, closed = look, func() { done(); db.Close() }
	}
	server, err := uicmd.Listen(c.Context, addr, cfg)
	return server, closed, err
}
