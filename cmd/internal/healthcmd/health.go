// Package healthcmd asks a service whether it is well, for images that hold neither a shell nor curl.
package healthcmd

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/secret"
)

// maxSaid is as much of a refusal as a health check's log is to hold.
const maxSaid = 512

// Command is txflow health.
func Command() *cli.Command {
	return &cli.Command{
		Name: "health", Category: "Deploy", ArgsUsage: "URL",
		Usage: "exit 0 when a URL answers: a health check for images without a shell",
		Flags: []cli.Flag{
			&cli.DurationFlag{Name: "timeout", Value: 3 * time.Second, EnvVars: []string{"TXFLOW_HEALTH_TIMEOUT"},
				Usage: "wait at most `TIME` for the answer"},
		},
		Description: `An http or https URL must be answered with a status from 200 to 299, tcp://HOST:PORT must take a
connection. Exits 69 otherwise.

   txflow health http://127.0.0.1:8000/health
   txflow health tcp://127.0.0.1:9092`,
		Action: func(c *cli.Context) error { // without telemetry: it runs every few seconds
			if !c.Args().Present() {
				return fault.WithHint(fault.Failf(fault.ExitUsage, "health needs a URL"), "see txflow health --help")
			}
			if d := c.Duration("timeout"); d <= 0 {
				return app.Usage(c, fmt.Errorf("--timeout is %s: it must be more than 0", d))
			}
			ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
			defer cancel()
			return ask(ctx, c.Args().First())
		},
	}
}

func ask(ctx context.Context, address string) error {
	at, err := url.Parse(address)
	if err != nil || at.Host == "" {
		return fault.WithHint(fault.Failf(fault.ExitUsage, "that is no URL"), "like http://127.0.0.1:8000/health")
	}
	switch at.Scheme {
	case "http", "https":
		return get(ctx, at)
	case "tcp":
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", at.Host)
		if err != nil {
			return fault.Fail(fault.ExitUnavailable, err)
		}
		return conn.Close()
	}
	return fault.Failf(fault.ExitUsage, "a URL begins with http://, https:// or tcp://, not with %s://", at.Scheme)
}

func get(ctx context.Context, at *url.URL) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return fault.Fail(fault.ExitUsage, err)
	}
	// An own client: no proxy stands between a service and itself, and a redirect is no answer.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return fault.Failf(fault.ExitUnavailable, "%s does not answer: %w", secret.NewURL(at.String()), cause(err))
	}
	defer response.Body.Close()
	if response.StatusCode/100 == 2 {
		return nil
	}
	said, _ := io.ReadAll(io.LimitReader(response.Body, maxSaid)) // whatever there is of it
	return fault.Failf(fault.ExitUnavailable, "%s answers %s: %s", secret.NewURL(at.String()), response.Status,
		strings.TrimSpace(string(said)))
}

// cause is an error without the URL, which may hold a password.
func cause(err error) error {
	if inURL, ok := err.(*url.Error); ok { //nolint:errorlint // the client's own, never wrapped
		return inURL.Err
	}
	return err
}
