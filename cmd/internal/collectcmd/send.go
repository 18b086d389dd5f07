package collectcmd

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/data"
	"github.com/txflow/txflow/internal/authority"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/stream/events/send"
)

// SendCommand is txflow events send.
func SendCommand() *cli.Command {
	return &cli.Command{
		Name: "send", ArgsUsage: "[FILE]", Usage: "send events to the collector: a file, or generated ones",
		Description: `FILE has an event a line, or one JSON array; - is stdin. Without it events are generated. Each
package has an Idempotency-Key and is sent again until the collector has answered for good.
Rejected events are no error: they are counted by their code.

   txflow events send data/events.json
   txflow events send --count 100000 --rate 5000 --invalid 0.01 --repeated 0.05
   txflow events send --url https://collect.example --token-file token events.ndjson
   txflow events send --dry-run --count 3`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "url", Value: "http://127.0.0.1:8001", EnvVars: []string{"TXFLOW_COLLECT_URL"},
				Usage: "`URL` of the collector"},
			&cli.StringFlag{Name: "token-file", EnvVars: []string{"TXFLOW_EVENTS_SEND_TOKEN_FILE"},
				Usage: "bearer token in `FILE`; TXFLOW_COLLECT_TOKEN may hold it instead"},
			&cli.StringFlag{Name: "ca-file", EnvVars: []string{"TXFLOW_COLLECT_CA_FILE"},
				Usage: "trust the certificate authorities in `FILE`, in PEM, besides the system's"},
			&cli.IntFlag{Name: "package", Value: 4, EnvVars: []string{"TXFLOW_EVENTS_SEND_PACKAGE"},
				Usage: "`N` events a request"},
			&cli.IntFlag{Name: "concurrency", Value: 4, EnvVars: []string{"TXFLOW_EVENTS_SEND_CONCURRENCY"},
				Usage: "maximum `N` concurrent requests"},
			&cli.Float64Flag{Name: "rate", EnvVars: []string{"TXFLOW_EVENTS_SEND_RATE"},
				Usage: "`N` events a second; 0 = no limit"},
			&cli.DurationFlag{Name: "outage", Value: 5 * time.Minute, EnvVars: []string{"TXFLOW_EVENTS_SEND_OUTAGE"},
				Action: app.TimeFrom("outage", 0),
				Usage:  "retry for `TIME` while the collector does not take a package, then exit 75"},
			&cli.Int64Flag{Name: "count", Value: 1000, EnvVars: []string{"TXFLOW_EVENTS_SEND_COUNT"},
				Usage: "generate `N` events; 0 = until it is stopped"},
			&cli.Float64Flag{Name: "invalid", EnvVars: []string{"TXFLOW_EVENTS_SEND_INVALID"},
				Usage: "`RATIO` of generated events that break a rule"},
			&cli.Float64Flag{Name: "repeated", EnvVars: []string{"TXFLOW_EVENTS_SEND_REPEATED"},
				Usage: "`RATIO` of generated events that were sent before"},
			&cli.Uint64Flag{Name: "seed", EnvVars: []string{"TXFLOW_EVENTS_SEND_SEED"},
				Usage: "`SEED` of generated events; the same makes the same events (default: another each time)"},
			&cli.TimestampFlag{Name: "start", Layout: time.RFC3339, EnvVars: []string{"TXFLOW_EVENTS_SEND_START"},
				Usage: "`TIME` of the first generated event (default: now)"},
			&cli.BoolFlag{Name: "dry-run", EnvVars: []string{"TXFLOW_EVENTS_SEND_DRY_RUN"},
				Usage: "print the events instead of sending them"},
			&cli.BoolFlag{Name: "json", EnvVars: []string{"TXFLOW_EVENTS_SEND_JSON"}, Usage: "the result as one JSON object"},
		},
		Action: app.Action(sendEvents),
	}
}

func sendEvents(c *cli.Context, rt *app.Runtime) error {
	ratio := func(flag string) error {
		if r := c.Float64(flag); !(r >= 0 && r <= 1) {
			return fmt.Errorf("--%s is %v: it must be from 0 to 1", flag, r)
		}
		return nil
	}
	within := func(flag string, most int) error {
		if n := c.Int(flag); n < 1 || n > most {
			return fmt.Errorf("--%s is %d: it must be from 1 to %d", flag, n, most)
		}
		return nil
	}
	var rateErr, countErr error
	if r := c.Float64("rate"); !(r >= 0 && r <= 1e9) {
		rateErr = fmt.Errorf("--rate is %v: it must be a number a second, or 0 for no limit", r)
	}
	if c.Int64("count") < 0 {
		countErr = fmt.Errorf("--count is %d: it must be 0 or more", c.Int64("count"))
	}
	var urlErr error
	if u, err := url.Parse(c.String("url")); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		urlErr = fmt.Errorf("--url is %q: it must begin with http:// or https://, and name a host", c.String("url"))
	}
	tokens, tokenErr := secret.NewTokens(os.Getenv("TXFLOW_COLLECT_TOKEN"), c.String("token-file"))
	if err := app.Usage(c, ratio("invalid"), ratio("repeated"), within("package", 10_000), within("concurrency", 1000),
		rateErr, countErr, urlErr, tokenErr, app.DurationErr(c, "outage", 0, 24*time.Hour*365)); err != nil {
		return err
	}
	client, err := httpClient(c.Int("concurrency"), c.String("ca-file"))
	if err != nil {
		return fault.Failf(fault.ExitUsage, "--ca-file: %w", err)
	}
	next, closed, err := source(c, rt)
	if err != nil {
		return err
	}
	defer closed()
	if c.Bool("dry-run") {
		return printEvents(c.Context, rt.Stdout, next)
	}
	began := time.Now()
	stats, err := send.Run(c.Context, send.Config{URL: c.String("url"), Tokens: tokens, HTTP: client,
		Package:     c.Int("package"),
		Concurrency: c.Int("concurrency"), Rate: c.Float64("rate"), Outage: c.Duration("outage"), Now: time.Now,
		Log: rt.Log}, next)
	return errors.Join(report(rt.Stdout, c.Bool("json"), &stats, time.Since(began)), err)
}

func httpClient(connections int, caFile string) (*http.Client, error) {
	const requestTime = 2 * time.Minute
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = connections
	if caFile != "" {
		pool, err := authority.Pool(caFile)
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: t, Timeout: requestTime}, nil
}

// source is where events come from.
func source(c *cli.Context, rt *app.Runtime) (next send.Next, closed func(), err error) {
	switch {
	case c.Args().Len() > 1:
		return nil, nil, fault.Failf(fault.ExitUsage, "events send takes one file: %q", c.Args().Get(1))
	case c.Args().First() == "-":
		next, err = lines(rt.Stdin)
		return next, func() {}, err
	case c.Args().Present():
		f, err := os.Open(c.Args().First())
		if err != nil {
			return nil, nil, fault.Fail(fault.ExitUsage, err)
		}
		next, err = lines(f)
		return next, func() { _ = f.Close() }, err
	}
	o := data.EventOptions{Seed: c.Uint64("seed"), Start: time.Now(), Invalid: c.Float64("invalid"),
		Repeated: c.Float64("repeated")}
	if !c.IsSet("seed") {
		o.Seed = uint64(time.Now().UnixNano())
	}
	if start := c.Timestamp("start"); start != nil {
		o.Start = *start
	}
	made, count := data.NewEvents(o), c.Int64("count")
	sent := int64(0)
	return func() (string, error) {
		if sent++; count > 0 && sent > count {
			return "", io.EOF
		}
		event, _ := made.Next()
		return event, nil
	}, func() {}, nil
}

const longestLine = 16 << 20

// lines reads a file of events: a line each, or a JSON array.
func lines(r io.Reader) (send.Next, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	for {
		c, err := b.ReadByte()
		if err != nil {
			return func() (string, error) { return "", err }, nil
		}
		if c == ' ' || c == '\t' || c == '\n' || c == '\r' {
			continue
		}
		if err := b.UnreadByte(); err != nil {
			return nil, err
		}
		if c == '[' {
			return array(json.NewDecoder(b))
		}
		break
	}
	scanner := bufio.NewScanner(b)
	scanner.Buffer(nil, longestLine)
	return func() (string, error) {
		for scanner.Scan() {
			if line := strings.TrimSpace(scanner.Text()); line != "" {
				return line, nil
			}
		}
		if err := scanner.Err(); err != nil {
			return "", fault.Fail(fault.ExitData, err)
		}
		return "", io.EOF
	}, nil
}

func array(d *json.Decoder) (send.Next, error) {
	if _, err := d.Token(); err != nil {
		return nil, badArray(err)
	}
	return func() (string, error) {
		if !d.More() {
			if _, err := d.Token(); err != nil {
				return "", badArray(err)
			}
			if _, err := d.Token(); !errors.Is(err, io.EOF) {
				return "", fault.Failf(fault.ExitData, "more follows the array: a file is one array, or an event a line")
			}
			return "", io.EOF
		}
		var event json.RawMessage
		if err := d.Decode(&event); err != nil {
			return "", badArray(err)
		}
		return string(event), nil
	}, nil
}

// badArray is the error of an array that can not be read. One that is cut off is not io.EOF, which is the end of a
// file.
func badArray(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fault.Failf(fault.ExitData, "the array of events can not be read: %w", err)
}

func printEvents(ctx context.Context, out io.Writer, next send.Next) error {
	w := bufio.NewWriter(out)
	for ctx.Err() == nil {
		event, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errors.Join(err, w.Flush())
		}
		if _, err := w.WriteString(event + "\n"); err != nil {
			return err
		}
	}
	return errors.Join(w.Flush(), ctx.Err())
}

func report(out io.Writer, asJSON bool, s *send.Stats, took time.Duration) error {
	perSecond := int64(float64(s.Events) / max(took.Seconds(), 1e-9))
	if asJSON {
		return json.NewEncoder(out).Encode(struct {
			*send.Stats
			Seconds   float64 `json:"seconds"`
			PerSecond int64   `json:"events_per_second"`
			Slowest   float64 `json:"slowest_seconds"`
		}{s, took.Seconds(), perSecond, s.Slowest.Seconds()})
	}
	_, err := fmt.Fprintf(out, "sent %s in %s: accepted %s, rejected %s; %s a second, %s sent again\n",
		display.Count(s.Events, "event"), display.Count(s.Packages, "package"), display.Thousands(s.Accepted),
		display.Thousands(s.Rejected),
		display.Thousands(perSecond), display.Thousands(s.Retries))
	for _, code := range slices.Sorted(maps.Keys(s.Codes)) {
		_, err = fmt.Fprintf(out, "  %s: %s\n", code, display.Thousands(s.Codes[code]))
	}
	return err
}
