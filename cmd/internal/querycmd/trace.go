package querycmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/table"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/otel/jaegerapi"
)

// alikeShown is how many siblings that are alike are shown before the rest is only counted.
const alikeShown = 3

// JaegerFlag says where Jaeger is.
var JaegerFlag = &cli.StringFlag{Name: "jaeger-url", Value: "http://127.0.0.1:16686", EnvVars: []string{"JAEGER_URL"},
	Usage: "`URL` of Jaeger"}

func traceCommand() *cli.Command {
	return &cli.Command{
		Name: "trace", Category: "Query results", ArgsUsage: "RUN_ID", Usage: "show the spans of a run, from Jaeger",
		Flags: batchcmd.Flags([]cli.Flag{
			JaegerFlag,
			&cli.BoolFlag{Name: "all", EnvVars: []string{"TXFLOW_TRACE_ALL"},
				Usage: "show every span; similar ones are summarised by default"},
			&cli.BoolFlag{Name: "json", EnvVars: []string{"TXFLOW_TRACE_JSON"},
				Usage: "the traces as Jaeger returns them, one JSON object per line"},
		}, batchcmd.ClickHouseFlags),
		Description: `The traces of a run are looked up in ClickHouse; a trace id is taken as it is.

   txflow trace 20240131T101500Z-1f2e3d
   txflow trace --all 0af7651916cd43dd8448eb211c80319c
   txflow trace --json RUN_ID | jq '.spans | length'`,
		Action: app.Action(showTraces),
	}
}

var traceIDShape = regexp.MustCompile(`^[0-9a-f]{32}$`)

func showTraces(c *cli.Context, rt *app.Runtime) error {
	ids, err := traceIDs(c, rt, c.Args().First())
	if err != nil {
		return err
	}
	from := jaegerapi.Client{URL: c.String("jaeger-url"), HTTP: http.DefaultClient}
	found := 0
	for _, id := range ids {
		raw, err := askJaeger(c.Context, &from, id)
		if errors.Is(err, jaegerapi.ErrNotFound) {
			rt.Log.WarnContext(c.Context, "a trace is not in Jaeger", "trace", id)
			continue
		}
		if err != nil {
			return err
		}
		if err := showTrace(rt.Stdout, raw, id, c.Bool("json"), c.Bool("all")); err != nil {
			return err
		}
		found++
	}
	if found == 0 {
		return fault.WithHint(fault.Failf(fault.ExitNothing, "Jaeger at %s has no trace of %s, or not yet",
			secret.NewURL(from.URL), c.Args().First()),
			"spans arrive some seconds after they end, and only where the run had OTEL_EXPORTER_OTLP_ENDPOINT set")
	}
	return nil
}

func traceIDs(c *cli.Context, rt *app.Runtime, arg string) ([]string, error) {
	switch {
	case arg == "":
		return nil, fault.WithHint(fault.Failf(fault.ExitUsage, "missing argument: the run"),
			"txflow trace RUN_ID; txflow runs has the ids")
	case traceIDShape.MatchString(arg):
		return []string{arg}, nil
	}
	db, err := batchcmd.StoreNow(c, rt)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	ids, known, err := db.TraceIDs(c.Context, arg)
	switch {
	case err != nil:
		return nil, err
	case !known:
		return nil, fault.WithHint(fault.Failf(fault.ExitNothing, "there is no run %s", arg),
			"txflow runs has the ids of runs")
	case len(ids) == 0:
		return nil, fault.WithHint(fault.Failf(fault.ExitNothing, "run %s was not traced", arg),
			"OTEL_SDK_DISABLED was set when it ran")
	}
	return ids, nil
}

func askJaeger(ctx context.Context, from *jaegerapi.Client, id string) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	raw, err := from.Raw(ctx, id)
	if err != nil && !errors.Is(err, jaegerapi.ErrNotFound) && !errors.Is(err, context.Canceled) {
		return nil, fault.WithHint(fault.Failf(fault.ExitUnavailable, "Jaeger at %s does not answer: %w",
			secret.NewURL(from.URL), err), "start Jaeger, or name another with --jaeger-url (JAEGER_URL)")
	}
	return raw, err
}

func showTrace(w io.Writer, raw json.RawMessage, id string, asJSON, all bool) error {
	if asJSON {
		_, err := fmt.Fprintf(w, "%s\n", raw)
		return err
	}
	roots, err := jaegerapi.Tree(raw)
	if err != nil {
		return fault.Fail(fault.ExitUnavailable, err)
	}
	show := alikeShown
	if all {
		show = math.MaxInt
	}
	_, _ = fmt.Fprintf(w, "trace %s\n", id)
	showSpans(w, roots, "", show)
	return nil
}

// showSpans prints siblings, each with what is below it.
func showSpans(w io.Writer, siblings []*jaegerapi.Span, indent string, show int) {
	folds := jaegerapi.FoldAlike(siblings, show)
	for i, f := range folds {
		for j, s := range f.Shown {
			branch, below := "├─ ", "│  "
			if i == len(folds)-1 && j == len(f.Shown)-1 && f.More == 0 {
				branch, below = "└─ ", "   "
			}
			_, _ = fmt.Fprintln(w, indent+branch+spanLine(s))
			showSpans(w, s.Children, indent+below, show)
		}
		if f.More > 0 {
			branch := "├─ "
			if i == len(folds)-1 {
				branch = "└─ "
			}
			_, _ = fmt.Fprintf(w, "%s%s… %s more %s\n", indent, branch, display.Thousands(int64(f.More)), f.Shown[0].Name)
		}
	}
}

// spanTags are shown where a span has them, under these names.
var spanTags = []struct{ tag, name string }{
	{"txflow.index", "chunk"}, {"txflow.try", "try"}, {"txflow.rows", "rows"}, {"txflow.batch_size", "batch"},
	{"txflow.attempt", "attempt"},
	{"txflow.model_version", "model"}, {"txflow.outcome", "outcome"}, {"http.response.status_code", "http"},
	{"otel.status_description", "error"},
}

func spanLine(s *jaegerapi.Span) string {
	status := "ok"
	if s.Failed {
		status = "FAILED"
	}
	parts := []string{s.Service + ": " + s.Name, s.Duration.String(), status}
	for _, t := range spanTags {
		if v := s.Tags[t.tag]; v != "" {
			parts = append(parts, t.name+" "+table.FirstLine(v))
		}
	}
	for _, id := range s.Links {
		parts = append(parts, "linked to trace "+id)
	}
	return strings.Join(parts, "  ")
}
