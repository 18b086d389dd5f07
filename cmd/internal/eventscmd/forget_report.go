package eventscmd

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/events/forget"
	"github.com/txflow/txflow/stream/kafka"
)

// forgetReport says what was erased, and what remains. It never names the person.
type forgetReport struct {
	DryRun  bool       `json:"dry_run"`
	Hash    string     `json:"hash,omitempty"` // of the tombstone
	Scope   string     `json:"scope,omitempty"`
	Erasure string     `json:"erasure,omitempty"`
	Before  *time.Time `json:"before,omitempty"` // events that were published before are erased
	Erased  []erased   `json:"erased"`
	Remains []remains  `json:"remains"`
}

type erased struct {
	Where string `json:"where"`
	Count uint64 `json:"count"`
	What  string `json:"what"`
	one   string // what one of it is
	rest  string // what follows
}

type remains struct {
	Where string     `json:"where"`
	Until *time.Time `json:"until,omitempty"` // absent: nobody here knows
	What  string     `json:"what"`
}

func report(c *cli.Context, rt *app.Runtime, db *store.Store, broker kafka.Config, r *forget.Result, dry bool) error {
	objects := c.String("objects")
	if objects == "" {
		objects = "objects"
	}
	doc := forgetReport{DryRun: dry, Erased: erasedOf(objects, r)}
	if e := &r.Erasure; !dry {
		before := time.UnixMicro(e.Before).UTC()
		doc.Hash, doc.Scope, doc.Erasure, doc.Before = e.Hash, e.Scope, e.ID, &before
	}
	var err error
	if doc.Remains, err = whatRemains(c, db, broker, r, dry); err != nil {
		return err
	}
	if c.Bool("json") {
		out := json.NewEncoder(rt.Stdout)
		out.SetIndent("", "  ")
		return out.Encode(&doc)
	}
	doc.print(rt.Stdout)
	return nil
}

// erasedOf counts what was erased, or would be, by where it is.
func erasedOf(objects string, r *forget.Result) []erased {
	ofObjects := " of " + display.Count(r.Objects, "object")
	return []erased{
		{store.TableEvents, r.Events, "events", "event", ""},
		{store.TableBronze, r.Messages, "raw messages", "raw message", ""},
		{store.TableDeadLetters, r.DeadLetters, "dead letters", "dead letter", ""},
		{objects, r.Lines, "lines" + ofObjects, "line", ofObjects},
	}
}

// whatRemains lists what this command can not erase.
func whatRemains(c *cli.Context, db *store.Store, broker kafka.Config, r *forget.Result, dry bool) ([]remains, error) {
	now := time.Now().UTC()
	admin, err := kafka.NewAdmin(broker)
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	names := []string{events.Raw, events.Silver, events.DeadLetters}
	have, err := admin.Topics(c.Context, names)
	if err != nil {
		return nil, err
	}
	var all []remains
	for _, name := range names {
		state, ok := have[name]
		if !ok {
			continue
		}
		left := remains{Where: "Kafka, " + name, What: "messages, until the topic's retention ends; nothing reads them back"}
		if ms, err := strconv.ParseInt(state.Config["retention.ms"], 10, 64); err == nil && ms >= 0 {
			from := now
			if !dry {
				from = time.UnixMicro(r.Erasure.Before).UTC()
			}
			until := from.Add(time.Duration(ms) * time.Millisecond)
			left.Until = &until
		} else {
			left.What = "messages, for ever: the topic has no retention (retention.ms); nothing reads them back"
		}
		all = append(all, left)
	}
	keeps, err := db.OldParts(c.Context)
	if err != nil {
		return nil, err
	}
	until := now.Add(keeps)
	all = append(all, remains{"ClickHouse, files of replaced parts", &until,
		"ClickHouse removes them by itself some minutes after the deletion, which is done"})
	if c.String("objects") == "" {
		all = append(all, remains{"objects", nil, "not looked at: --objects is empty"})
	} else {
		all = append(all, remains{c.String("objects"), nil, "older versions of objects, where the bucket keeps versions"})
	}
	return append(all,
		remains{"backups", nil,
			"of ClickHouse, Kafka and objects, as long as you keep them; erase again after restoring one"},
		remains{"logs and traces", nil, "hold ids of events and packages, never what was sent"},
		remains{"ledger and tombstone", nil, "ids of events, places in Kafka, and a keyed hash of the person"}), nil
}

func (doc *forgetReport) print(w io.Writer) {
	verb := "erased"
	if doc.DryRun {
		verb = "would be erased"
	}
	_, _ = fmt.Fprintln(w, verb)
	for _, e := range doc.Erased {
		_, _ = fmt.Fprintf(w, "  %12s %s%s (%s)\n", display.Thousands(int64(e.Count)), display.Noun(e.Count, e.one), e.rest,
			e.Where)
	}
	if doc.DryRun {
		_, _ = fmt.Fprintln(w, "would remain")
	} else {
		_, _ = fmt.Fprintf(w, "tombstone %s… of %s\n", doc.Hash[:min(12, len(doc.Hash))],
			doc.Before.Format("2006-01-02 15:04:05 UTC"))
		_, _ = fmt.Fprintln(w, "remains")
	}
	for _, r := range doc.Remains {
		until := ""
		if r.Until != nil {
			until = ", until " + r.Until.Format("2006-01-02 15:04 UTC")
		}
		_, _ = fmt.Fprintf(w, "  %s%s: %s\n", r.Where, until, r.What)
	}
}
