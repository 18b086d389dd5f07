package ui

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/stream/status"
)

// attention is something that somebody should look at, with where.
type attention struct {
	Look string `json:"severity"` // bad, warn or good
	Text string `json:"text"`
	To   string `json:"address,omitempty"`
	Word string `json:"-"` // of the link
}

// How old something may get before it is said.
const (
	journalLate = 5 * time.Minute
	delayLate   = 30 * time.Second
	failedShown = 3
)

// attention says in words what needs it, the worst first.
func (u *UI) attention(v *overviewView) (all []attention) {
	add := func(look, to, word, format string, args ...any) {
		all = append(all, attention{look, fmt.Sprintf(format, args...), to, word})
	}
	now := u.cfg.Now()
	if s := v.Stream.Value; s != nil {
		for _, g := range s.Groups {
			switch {
			case g.Stalled != "":
				add("bad", "/stream", "Stream", "%s", plain(g.Stalled))
			case g.State != status.Missing && g.Delay > delayLate.Seconds(): // nobody waits for a group that was never there
				add("warn", "/stream", "Stream", "waiting for %s: %s %s of %s, the oldest for %s", plain(g.Group), number(g.Lag),
					display.Noun(g.Lag, "message"), g.Topic, duration(time.Duration(g.Delay*float64(time.Second))))
			}
		}
	}
	settled := map[string]bool{}
	failed := 0
	for _, run := range v.Runs { // the newest first: a later run of the same source settles an earlier one
		switch {
		case settled[run.Source]:
		case run.Status == "done":
			settled[run.Source] = true
		case run.Status == "failed" || run.Status == "interrupted":
			settled[run.Source] = true
			if failed++; failed <= failedShown {
				line, _, _ := strings.Cut(run.Error, "\n")
				if line != "" {
					line = ": " + plain(strings.TrimSuffix(line, ". The first of them:"))
				}
				look, what := "bad", "failed"
				if run.Status == "interrupted" {
					look, what, line = "warn", "was interrupted", ": the same command goes on with it"
				}
				add(look, runPath(run.RunID), "Run", "The last run of %s %s %s%s", sourceName(run.Source), what,
					ago(now, run.StartedAt), line)
			}
		}
	}
	if n, first, oldest := openDeadLetters(v.DeadLetters); n > 0 {
		reason := ""
		if first.Rows < n {
			reason = fmt.Sprintf(", %s of them %s", number(first.Rows), plain(first.Code))
		} else {
			reason = ", " + plain(first.Code)
		}
		add("warn", "/dead-letters", "Dead letters", "%s open%s; the oldest is from %s",
			counted(n, "dead letter is", "dead letters are"), reason, ago(now, oldest))
	}
	if !v.Live && v.JournalE == "" && v.Size.Transactions > 0 &&
		(v.Journal.Renewed == nil || now.Sub(*v.Journal.Renewed) > journalLate) {
		line, _, _ := strings.Cut(v.Journal.Exception, "\n")
		add("warn", "", "", "ClickHouse has not renewed the sums by category for more than %s: %s", duration(journalLate),
			plain(line))
	}
	return all
}

func sourceName(source string) string {
	if source == "" {
		return "the source without a name"
	}
	return "source " + plain(source)
}

func openDeadLetters(counts []deadLetterCountRow) (all uint64, first deadLetterCountRow, oldest time.Time) {
	for i, c := range counts {
		all += c.Rows
		if i == 0 || c.Oldest.Before(oldest) {
			oldest = c.Oldest
		}
		if i == 0 {
			first = c
		}
	}
	return all, first, oldest
}

// OpenDeadLetters counts all open dead letters.
func (d *overviewData) OpenDeadLetters() uint64 {
	n, _, _ := openDeadLetters(d.DeadLetters)
	return n
}

// runPath is the address of a run.
func runPath(runID string) string { return "/runs/" + url.PathEscape(runID) }
