package ui

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"
)

// deadLetterRow is a dead letter without its message.
type deadLetterRow struct {
	Origin    string    `json:"origin"`
	Digest    string    `json:"origin_digest"`
	Partition int32     `json:"partition"`
	Position  uint64    `json:"position"`
	Pipeline  string    `json:"pipeline"`
	Source    string    `json:"source"`
	SourceID  string    `json:"source_id"`
	Outcome   string    `json:"outcome"`
	Column    string    `json:"column"`
	Code      string    `json:"reason"`
	Message   string    `json:"message"`
	State     string    `json:"state"`
	Replays   int       `json:"replays"`
	TraceID   string    `json:"trace_id,omitempty"`
	FirstSeen time.Time `json:"first_seen"`
	UpdatedAt time.Time `json:"updated_at"`
}

func deadLetterRowOf(l *ledger.DeadLetterState) deadLetterRow {
	return deadLetterRow{l.Origin.Origin, l.Origin.Digest, l.Origin.Partition, l.Origin.Position, l.Pipeline, l.Source,
		l.SourceID, l.Outcome, l.Column, l.Code, l.Message, l.State, l.Replays, l.TraceID, l.FirstSeen, l.UpdatedAt}
}

// Path is the address of the dead letter.
func (l *deadLetterRow) Path() string { return deadLetterPath(l.Origin, l.Partition, l.Position) }

func deadLetterPath(origin string, partition int32, position uint64) string {
	return "/dead-letters/one?" + url.Values{"origin": {origin}, "partition": {fmt.Sprint(partition)},
		"position": {fmt.Sprint(position)}}.Encode()
}

type deadLetterStat struct {
	Pipeline string    `json:"pipeline"`
	Source   string    `json:"source"`
	Code     string    `json:"reason"`
	Column   string    `json:"column"`
	State    string    `json:"state"`
	Rows     uint64    `json:"dead_letters"`
	Oldest   time.Time `json:"oldest"`
	To       string    `json:"-"`
}

// command is what to type for what is selected.
type command struct {
	What string `json:"what"`
	Line string `json:"command"`
}

// deadLettersView is the list of dead letters.
type deadLettersView struct {
	Rows     []deadLetterRow
	Stats    []deadLetterStat
	Total    uint64
	Commands []command
	States   []string
	State    string
	Filtered bool
	First    bool
	NoCopy   bool // a filter holds what no command line can have
}

const anyState = "all"

func (u *UI) deadLettersPage(r *http.Request) (*page, error) {
	n, after, err := pageOf(r)
	if err != nil {
		return nil, err
	}
	ask, err := deadLetterQuery(r)
	if err != nil {
		return nil, err
	}
	v := &deadLettersView{States: append(slices.Clone(ledger.DeadLetterStates), anyState), State: ask.State,
		Filtered: ask.Filtered(), First: after == nil}
	if v.State == "" {
		v.State = anyState
	}
	counts, err := u.cfg.DB.CountDeadLetters(r.Context(), ask)
	if err != nil {
		return nil, err
	}
	v.addStats(r, counts)
	v.Commands, v.NoCopy = deadLetterCommands(&ask, counts)
	if after != nil {
		ask.After = &ledger.Origin{Origin: after.Origin, Digest: after.Digest, Partition: after.Partition,
			Position: after.Position}
	}
	ask.Limit = n + 1
	deadLetters, err := u.cfg.DB.DeadLetters(r.Context(), ask)
	if err != nil {
		return nil, err
	}
	p := &page{View: "dead_letters", Title: "Dead letters", Section: "Dead letters", Data: v}
	if len(deadLetters) > n {
		deadLetters = deadLetters[:n]
		last := deadLetters[n-1].Origin
		p.Next = with(r, "after", (&placeKey{last.Origin, last.Digest, last.Partition, last.Position}).text())
	}
	for i := range deadLetters {
		v.Rows = append(v.Rows, deadLetterRowOf(&deadLetters[i]))
	}
	p.Parts = []Part{{"dead_letters", v.Rows}, {"stats", v.Stats}, {"commands", v.Commands}}
	return p, nil
}

// deadLetterQuery is what the address selects.
func deadLetterQuery(r *http.Request) (q ledger.DeadLetterQuery, err error) {
	p := r.URL.Query()
	q = ledger.DeadLetterQuery{Pipeline: p.Get("pipeline"), Code: p.Get("reason"), Source: p.Get("source"),
		ID: strings.TrimSpace(p.Get("id")), State: p.Get("state")}
	switch {
	case q.State == "":
		q.State = ledger.StateOpen
	case q.State == anyState:
		q.State = ""
	case !slices.Contains(ledger.DeadLetterStates, q.State):
		return q, fault.Failf(fault.ExitUsage, "a dead letter's state is one of %s, or %s",
			strings.Join(ledger.DeadLetterStates, ", "), anyState)
	}
	for _, t := range []struct {
		name string
		to   *time.Time
	}{{"since", &q.Since}, {"until", &q.Until}} {
		given := p.Get(t.name)
		if given == "" {
			continue
		}
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", time.DateOnly} {
			if *t.to, err = time.Parse(layout, given); err == nil {
				break
			}
		}
		if err != nil {
			return q, fault.Failf(fault.ExitUsage, "%s is a time like 2026-01-31T00:00:00Z or a date", t.name)
		}
	}
	return q, nil
}

// addStats counts by reason; each line leads to what it counts.
func (v *deadLettersView) addStats(r *http.Request, counts []ledger.DeadLetterCount) {
	for _, c := range counts {
		v.Total += c.Rows
		v.Stats = append(v.Stats, deadLetterStat{c.Pipeline, c.Source, c.Code, c.Column, c.State, c.Rows, c.Oldest,
			with(r, "reason", c.Code, "source", c.Source, "pipeline", c.Pipeline, "after", "")})
	}
}

// deadLetterCommands are the commands for what is selected. Only open dead letters can be closed, and only messages can
// be sent again.
func deadLetterCommands(q *ledger.DeadLetterQuery, counts []ledger.DeadLetterCount) (all []command, noCopy bool) {
	var words []string
	add := func(flag, value string) {
		if value != "" {
			word, ok := shellQuote(value)
			noCopy = noCopy || !ok
			words = append(words, "--"+flag+" "+word)
		}
	}
	add("reason", q.Code)
	add("id", q.ID)
	add("source", q.Source)
	add("pipeline", q.Pipeline)
	if !q.Since.IsZero() {
		add("since", q.Since.UTC().Format(time.RFC3339))
	}
	if !q.Until.IsZero() {
		add("until", q.Until.UTC().Format(time.RFC3339))
	}
	if noCopy {
		return nil, true
	}
	selected := strings.Join(append([]string{""}, words...), " ")
	state := ""
	if q.State != ledger.StateOpen {
		state = " --state " + map[bool]string{true: anyState, false: q.State}[q.State == ""]
	}
	all = []command{{"list them", "txflow dlq list" + selected + state}}
	open, messages := false, false
	for _, c := range counts {
		if c.State == ledger.StateOpen {
			open, messages = true, messages || c.Pipeline == "stream" || c.Pipeline == "events" && q.Pipeline == "events"
		}
	}
	if messages && q.Pipeline != "batch" {
		all = append(all, command{"see how many would be sent again", "txflow dlq replay" + selected + " --dry-run"},
			command{"send them again, once the cause is corrected", "txflow dlq replay" + selected})
	}
	if open {
		purge := selected
		if !q.Filtered() {
			purge = " --all"
		}
		all = append(all, command{"close them for good", "txflow dlq purge" + purge + " --dry-run"})
	}
	return all, noCopy
}
