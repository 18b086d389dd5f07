package streamcmd

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/txflow/txflow/cmd/internal/table"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/stream/events/analytics"
	"github.com/txflow/txflow/stream/status"
)

// A terminal of 80 columns and 24 lines shows all groups, and the partitions with the greatest lag.
const (
	screenColumns    = 80
	screenPartitions = 15 // less a line a group: with the headings, and a line about a stalled reader
)

// showStatus prints the groups and their partitions, lag first, and the publisher's status if there is one; on a live
// screen only as much as fits.
func showStatus(out io.Writer, before, now []status.Look, stalled map[string]string, published *status.Status, asJSON,
	live bool) error {
	var shown []status.Status
	why := make([]string, 0, len(now)+1) // readers do not progress
	for i := range now {
		why = append(why, stalled[now[i].Group])
		if len(now[i].Partitions) > 0 {
			s := status.Of(before[i], now[i])
			s.Stalled = stalled[s.Group]
			shown = append(shown, s)
		}
	}
	if asJSON {
		return printJSON(out, shown, published)
	}
	groups, partitions, rows := groupTable(shown), partitionLines(now), len(shown)
	if published != nil {
		rows++
		why = append(why, published.Stalled)
		groups.Add(display.Thousands(published.Lag), seconds(published.Delay), "-", "-", "-",
			withState(published, string(analytics.UpToDate)))
	}
	most, columns := len(partitions), 0
	if live {
		most, columns = min(most, screenPartitions-rows), screenColumns
	}
	groups.Columns = columns
	groups.Print(out)
	for _, text := range why {
		if text != "" { // a screen has the start of it, and doctor all
			_, _ = fmt.Fprintln(out, table.Cut("stalled: "+table.Plain(text), columns))
		}
	}
	_, _ = fmt.Fprintln(out)
	printPartitions(out, partitions, most, columns)
	return nil
}

// printJSON writes an object a line.
func printJSON(out io.Writer, shown []status.Status, published *status.Status) error {
	to := json.NewEncoder(out)
	for i := range shown {
		if err := to.Encode(shown[i]); err != nil {
			return err
		}
	}
	if published != nil {
		return to.Encode(published)
	}
	return nil
}

func groupTable(shown []status.Status) *table.Table {
	groups := table.New("lag", "delay", "read/s", "new/s", "members", "group").AlignRight("lag", "delay", "read/s",
		"new/s", "members")
	for i := range shown {
		s := &shown[i]
		groups.Add(display.Thousands(s.Lag), seconds(s.Delay), display.Thousands(int64(s.Consumed)),
			display.Thousands(int64(s.Produced)), fmt.Sprint(s.Members), withState(s, "Stable"))
	}
	return groups
}

// withState is the group's name, with its state unless that is the usual one.
func withState(s *status.Status, usual string) string {
	if s.State == usual {
		return s.Group
	}
	return s.Group + " (" + s.State + ")"
}

// partitionLine is a partition as a group reads it.
type partitionLine struct {
	lag   int64
	cells []string
}

// partitionLines are all partitions, those with the greatest lag first.
func partitionLines(now []status.Look) (lines []partitionLine) {
	for i := range now {
		for _, p := range now[i].Partitions {
			committed, delay := "-", 0.
			if p.Committed >= 0 {
				committed = display.Thousands(p.Committed)
			}
			if !p.Oldest.IsZero() {
				delay = max(now[i].At.Sub(p.Oldest).Seconds(), 0) // the clocks may differ
			}
			lines = append(lines, partitionLine{p.Lag(), []string{display.Thousands(p.Lag()), seconds(delay), committed,
				display.Thousands(p.End), fmt.Sprint(p.Number), now[i].Topic, p.Owner}})
		}
	}
	slices.SortStableFunc(lines, func(a, b partitionLine) int { return cmp.Compare(b.lag, a.lag) })
	return lines
}

// printPartitions prints the first ones, and how many more there are.
func printPartitions(out io.Writer, lines []partitionLine, most, columns int) {
	partitions := table.New("lag", "delay", "committed", "end", "part.", "topic", "owner").AlignRight("lag", "delay",
		"committed", "end", "part.")
	partitions.Columns = columns
	for _, l := range lines[:most] {
		partitions.Add(l.cells...)
	}
	partitions.Print(out)
	if most < len(lines) {
		_, _ = fmt.Fprintf(out, "%d of %d partitions, those with the greatest lag; --once shows all\n", most, len(lines))
	}
}

// seconds writes a time that messages wait; none waits at 0.
func seconds(s float64) string {
	if s == 0 {
		return "-"
	}
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond).String()
}
