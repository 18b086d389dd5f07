package eventscmd

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/table"
	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/eventstory"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/events"
)

func eventsShowCommand() *cli.Command {
	return &cli.Command{
		Name: "show", ArgsUsage: "ID",
		Usage: "one event from its package to gold: each hop with its time and trace, and why points are lost",
		Flags: batchcmd.Flags([]cli.Flag{
			&cli.BoolFlag{Name: "json", EnvVars: []string{"TXFLOW_EVENTS_SHOW_JSON"}, Usage: "everything as one JSON object"},
		}, batchcmd.ClickHouseFlags),
		Description: `ID is the event id that POST /collect answers for each item.

   txflow events show 7d7b0c29-6a0e-5a51-9b0c-55271e0b4f63
   txflow events show --json 7d7b0c29-6a0e-5a51-9b0c-55271e0b4f63 | jq .event.lost_points`,
		Action: app.Action(func(c *cli.Context, rt *app.Runtime) error {
			id, ok := event.ParseID(strings.TrimSpace(c.Args().First()))
			if !ok {
				return fault.WithHint(fault.Failf(fault.ExitUsage, "the argument is no event id: %q", c.Args().First()),
					"it is the UUID that the collector answered: txflow events show ID")
			}
			db, err := batchcmd.StoreNow(c, rt)
			if err != nil {
				return err
			}
			defer db.Close()
			st, err := Story(c.Context, db, id)
			if err != nil {
				return err
			}
			if st.State == "" {
				return fault.WithHint(fault.Failf(fault.ExitNothing, "there is no event with id %s", id),
					"ClickHouse may not have read it yet: txflow stream status; messages are kept for 30 days")
			}
			if c.Bool("json") {
				out := json.NewEncoder(rt.Stdout)
				out.SetIndent("", "  ")
				return out.Encode(st)
			}
			return Show(rt.Stdout, st)
		}),
	}
}

// Story is all that is known of an event, with what became of each message, and what came in its package. That of an
// unknown event has no state.
func Story(ctx context.Context, db *store.Store, id event.ID) (*eventstory.Story, error) {
	st, err := db.EventStory(ctx, id)
	if err != nil {
		return nil, err
	}
	story, err := eventstory.Read(st)
	if err != nil {
		return nil, err
	}
	for i := range st.Messages {
		st.Messages[i].Fate = story.Fate(&st.Messages[i]).Text
	}
	if correlation := story.Correlation(); correlation != "" {
		st.Package, err = db.EventPackage(ctx, correlation)
	}
	return story, err
}

// goldRow is what show needs of a row of events.
type goldRow struct {
	Type      string `json:"type"`
	Index     int32  `json:"package_index"`
	Context   string `json:"context"`
	Score     string `json:"score"`
	Rules     string `json:"rules_version"`
	Token     string `json:"token"`
	Received  string `json:"received_at"`
	Published string `json:"published_at"`
	Processed string `json:"processed_at"`
	Inserted  string `json:"inserted_at"`
	TraceID   string `json:"trace_id"`
	Late      bool   `json:"late"`
	Future    bool   `json:"future"`
	Lost      []struct {
		Rule   string      `json:"rule"`
		Points json.Number `json:"points"`
	} `json:"lost_points"`
}

func goldOf(st *eventstory.Story) (g goldRow, err error) {
	if st.Event == nil {
		return g, nil
	}
	return g, json.Unmarshal(st.Event, &g)
}

// Show prints an event, where its points went, and where it came by.
func Show(w io.Writer, st *eventstory.Story) error {
	gold, err := goldOf(st)
	if err != nil {
		return err
	}
	line := func(name, value string) {
		if value != "" {
			_, _ = fmt.Fprintf(w, "%-10s %s\n", name, table.Plain(value))
		}
	}
	line("event", st.ID)
	line("state", st.State)
	line("type", gold.Type)
	line("package", st.Correlation())
	if st.Event != nil {
		line("context", gold.Context)
		line("score", gold.Score+" by the rules "+gold.Rules)
		for _, l := range gold.Lost {
			line("", "-"+l.Points.String()+" "+l.Rule)
		}
		for _, flag := range []struct {
			is   bool
			text string
		}{{gold.Late, "late: it was published long after its own time"},
			{gold.Future, "future: it was published before its own time"}} {
			if flag.is {
				line("flag", flag.text)
			}
		}
	}
	_, _ = fmt.Fprintln(w)
	hops, traces := hopTable(st, &gold)
	hops.Print(w)
	for i, id := range traces {
		_, _ = fmt.Fprintf(w, "trace %d  %s\n", i+1, table.Plain(id))
	}
	if len(st.Package) > 1 {
		_, _ = fmt.Fprintln(w, "\nin its package")
		t := table.New("place", "event", "state", "type").AlignRight("place").Own("type")
		for _, i := range st.Package {
			t.Add(fmt.Sprint(i.Index), i.ID, i.State, i.Type)
		}
		t.Print(w)
	}
	return nil
}

// hopTable lists where the event came by, in the order of time. Traces are numbered from 1: their ids are long, and
// most often the same.
func hopTable(st *eventstory.Story, gold *goldRow) (_ *table.Table, traces []string) {
	type hop struct{ at, cell1, cell2, detail, trace string }
	const layout = "2006-01-02 15:04:05.000"
	var hops []hop // as they follow each other within a millisecond
	cut := func(s string) string { return s[:min(len(s), len(layout))] }
	if st.Event != nil {
		received := hop{cut(gold.Received), "received", fmt.Sprintf("package, place %d", gold.Index), "", gold.TraceID}
		if gold.Token != "" {
			received.detail = "token " + gold.Token
		}
		hops = append(hops, received)
	}
	for i := range st.Messages {
		m := &st.Messages[i]
		detail := m.Fate
		if m.Token != "" {
			detail += ", token " + m.Token
		}
		hops = append(hops, hop{m.RecordedAt.UTC().Format(layout), "raw", fmt.Sprintf("%s/%d:%d", m.Topic, m.Partition,
			m.Offset), detail, traceOf(m.Traceparent)})
	}
	for i := range st.DeadLetters {
		d := &st.DeadLetters[i]
		at := fmt.Sprintf("%s/%d:%d", d.Origin, d.Partition, d.Position)
		if d.Origin == events.Collector {
			at = fmt.Sprintf("%s, place %d", d.Origin, d.Position)
		}
		detail := d.Code + ": " + d.Message + ", " + d.State
		if d.Pointer != "" {
			detail = d.Pointer + " " + detail
		}
		hops = append(hops, hop{d.FirstSeen.UTC().Format(layout), "dead letter", at, detail, d.TraceID})
	}
	if st.Event != nil {
		hops = append(hops,
			hop{cut(gold.Processed), "silver", "", gold.Context + ", score " + gold.Score, gold.TraceID},
			hop{cut(gold.Inserted), "gold", "events", "", ""})
	}
	slices.SortStableFunc(hops, func(a, b hop) int { return cmp.Compare(a.at, b.at) })
	t := table.New("time (UTC)", "hop", "where", "detail", "trace").AlignRight("trace").Fold("where", "detail")
	for _, h := range hops {
		number := ""
		if h.trace != "" {
			at := slices.Index(traces, h.trace)
			if at < 0 {
				at, traces = len(traces), append(traces, h.trace)
			}
			number = fmt.Sprint(at + 1)
		}
		t.Add(h.at, h.cell1, h.cell2, h.detail, number)
	}
	return t, traces
}

// traceOf is the trace id of a W3C traceparent.
func traceOf(traceparent string) string {
	if parts := strings.Split(traceparent, "-"); len(parts) == 4 {
		return parts[1]
	}
	return ""
}
