package dlqcmd

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/table"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/dlq"
	"github.com/txflow/txflow/stream/events"
)

func dlqStats(c *cli.Context, rt *app.Runtime, db *store.Store) error {
	q := deadLetterQuery(c)
	counts, err := db.CountDeadLetters(c.Context, q)
	if err != nil {
		return err
	}
	total := countsTable(rt.Stdout, counts)
	_, _ = fmt.Fprintf(rt.Stderr, "%s\n", display.Count(total, "dead letter"))
	return nil
}

// countsTable prints how many dead letters there are of each kind, and returns how many those are.
func countsTable(w io.Writer, counts []ledger.DeadLetterCount) (total uint64) {
	t := table.New("pipeline", "source", "reason", "column", "state", "dead letters",
		"oldest").AlignRight("dead letters").Own("source", "column")
	for _, n := range counts {
		total += n.Rows
		t.Add(n.Pipeline, n.Source, n.Code, n.Column, n.State, display.Thousands(int64(n.Rows)),
			n.Oldest.UTC().Format(time.RFC3339))
	}
	t.Print(w)
	return total
}

func dlqList(c *cli.Context, rt *app.Runtime, db *store.Store) error {
	q := deadLetterQuery(c)
	if c.Bool("json") {
		const rows = 500
		out := json.NewEncoder(rt.Stdout)
		for piece, err := range dlq.Pieces(c.Context, db, q, rows) {
			if err != nil {
				return err
			}
			for i := range piece {
				if err := encodeDeadLetter(out, &piece[i]); err != nil {
					return err
				}
			}
		}
		return nil
	}
	deadLetters, err := db.DeadLetters(c.Context, q)
	if err != nil {
		return err
	}
	if len(deadLetters) == 0 {
		_, _ = fmt.Fprintln(rt.Stderr, "no dead letters match; --state all shows closed ones, too")
		return nil
	}
	listTable(rt.Stdout, deadLetters)
	if len(deadLetters) < q.Limit || q.Limit == 0 {
		return nil
	}
	counts, err := db.CountDeadLetters(c.Context, q)
	if err != nil {
		return err
	}
	total := uint64(0)
	for _, n := range counts {
		total += n.Rows
	}
	_, _ = fmt.Fprintf(rt.Stderr, "%s of %s; --limit 0 shows all\n", display.Thousands(int64(len(deadLetters))),
		display.Count(total, "dead letter"))
	return nil
}

func listTable(w io.Writer, deadLetters []ledger.DeadLetterState) {
	t := table.New("reason", "column", "id", "state", "replays", "first seen (UTC)", "origin", "part.", "position").
		AlignRight("replays", "part.", "position").Own("column", "id", "origin")
	for i := range deadLetters {
		l := &deadLetters[i]
		t.Add(l.Code, l.Column, l.SourceID, l.State, fmt.Sprint(l.Replays),
			l.FirstSeen.UTC().Format("2006-01-02 15:04"),
			l.Origin.Origin, fmt.Sprint(l.Origin.Partition), fmt.Sprint(l.Origin.Position))
	}
	t.Print(w)
}

// deadLetterJSON is a dead letter as JSON: the fields below, and for one more release the former names of Go's.
type deadLetterJSON struct {
	Origin       string    `json:"origin"`
	OriginDigest string    `json:"origin_digest"`
	Partition    int32     `json:"partition"`
	Position     string    `json:"position"` // a line or an offset, as text: JSON numbers are exact to 2^53 only
	Pipeline     string    `json:"pipeline"`
	Source       string    `json:"source"`
	SourceID     string    `json:"source_id"`
	ID           string    `json:"id,omitempty"`
	Outcome      string    `json:"outcome"`
	Column       string    `json:"column,omitempty"`
	Reason       string    `json:"reason"`
	Message      string    `json:"message"`
	State        string    `json:"state"`
	Replays      int       `json:"replays"`
	Raw          []byte    `json:"raw"`
	Key          []byte    `json:"key"`     // null for none
	Headers      []header  `json:"headers"` // in their order
	TraceID      string    `json:"trace_id,omitempty"`
	Version      string    `json:"version_us"`
	FirstSeen    time.Time `json:"first_seen"`
	UpdatedAt    time.Time `json:"updated_at"`
	*ledger.DeadLetterState
}

// header is a header of a message. Values are Base64, or null; so is a name that is not UTF-8, beside its text.
type header struct {
	Name      string `json:"name"`
	NameBytes []byte `json:"name_base64,omitempty"`
	Value     []byte `json:"value"`
}

func encodeDeadLetter(out *json.Encoder, l *ledger.DeadLetterState) error {
	id := l.ID
	if id == noID {
		id = ""
	}
	headers := make([]header, len(l.Headers))
	for i, h := range l.Headers {
		headers[i] = header{Name: strings.ToValidUTF8(h.Name, "\uFFFD"), Value: h.Value}
		if headers[i].Name != h.Name {
			headers[i].NameBytes = []byte(h.Name)
		}
	}
	return out.Encode(deadLetterJSON{
		Origin: l.Origin.Origin, OriginDigest: l.Origin.Digest, Partition: l.Origin.Partition,
		Position: strconv.FormatUint(l.Origin.Position, 10), Pipeline: l.Pipeline, Source: l.Source,
		SourceID: l.SourceID, ID: id,
		Outcome: l.Outcome, Column: l.Column, Reason: l.Code, Message: l.Message, State: l.State, Replays: l.Replays,
		Raw: l.Raw, Key: l.Key, Headers: headers,
		TraceID: l.TraceID, Version: strconv.FormatInt(l.Version, 10), FirstSeen: l.FirstSeen.UTC(),
		UpdatedAt:       l.UpdatedAt.UTC(),
		DeadLetterState: l,
	})
}

// noID is the UUID of a row whose id can not be read.
const noID = "00000000-0000-0000-0000-000000000000"

func dlqShow(c *cli.Context, rt *app.Runtime, db *store.Store) error {
	const arguments = 3
	partition, err1 := strconv.ParseInt(c.Args().Get(1), 10, 32)
	position, err2 := strconv.ParseUint(c.Args().Get(2), 10, 64)
	if c.NArg() != arguments || err1 != nil || err2 != nil {
		return fault.WithHint(fault.Failf(fault.ExitUsage, "dlq show needs ORIGIN PARTITION POSITION"),
			"they are the last columns of txflow dlq list")
	}
	at := ledger.Origin{Origin: c.Args().First(), Partition: int32(partition), Position: position}
	deadLetters, err := db.DeadLetters(c.Context, ledger.DeadLetterQuery{At: &at, Raw: true})
	if err != nil {
		return err
	}
	if len(deadLetters) == 0 {
		return fault.WithHint(fault.Failf(fault.ExitNothing,
			"there is no dead letter of %s, partition %d, position %d", at.Origin, at.Partition, at.Position),
			"txflow dlq list --state all shows those that there are")
	}
	for i := range deadLetters { // a file that changed may have several of one line
		if c.Bool("json") {
			if err := encodeDeadLetter(json.NewEncoder(rt.Stdout), &deadLetters[i]); err != nil {
				return err
			}
			continue
		}
		showDeadLetter(rt.Stdout, &deadLetters[i])
	}
	return nil
}

func showDeadLetter(out io.Writer, l *ledger.DeadLetterState) {
	line := func(name, value string) {
		if value != "" {
			_, _ = fmt.Fprintf(out, "%-10s  %s\n", name, table.Plain(value))
		}
	}
	line("origin", fmt.Sprintf("%s, partition %d, position %d", l.Origin.Origin, l.Origin.Partition, l.Origin.Position))
	line("pipeline", l.Pipeline)
	line("source", l.Source)
	line("id", l.SourceID)
	line("reason", l.Code)
	line("column", l.Column)
	line("message", l.Message)
	line("state", fmt.Sprintf("%s, replayed %s", l.State, display.Count(l.Replays, "time")))
	line("trace", l.TraceID)
	line("first seen", l.FirstSeen.UTC().Format(time.RFC3339))
	line("updated", l.UpdatedAt.UTC().Format(time.RFC3339))
	if l.Key != nil {
		_, _ = fmt.Fprintf(out, "%-10s  %s\n", "key", bytesText(l.Key))
	}
	for _, h := range l.Headers {
		value := "null"
		if h.Value != nil {
			value = bytesText(h.Value)
		}
		_, _ = fmt.Fprintf(out, "%-10s  %s: %s\n", "header", bytesText([]byte(h.Name)), value)
	}
	_, _ = fmt.Fprintf(out, "%-10s  %s\n", "raw", rawText(l))
}

// dlqResolve closes dead letters whose id is stored, and prints how many.
func dlqResolve(c *cli.Context, rt *app.Runtime, db *store.Store) error {
	q := ledger.DeadLetterQuery{Source: c.String("source"), Pipeline: c.String("pipeline"), State: ledger.StateOpen}
	open := func() (n int64, err error) {
		counts, err := db.CountDeadLetters(c.Context, q)
		for _, count := range counts {
			if count.Pipeline != events.Ledger || q.Pipeline == events.Ledger {
				n += int64(count.Rows)
			}
		}
		return n, err
	}
	before, err := open()
	switch {
	case err != nil:
	case c.String("pipeline") == events.Ledger:
		err = db.ResolveEventDeadLetters(c.Context, c.String("source"))
	default:
		err = db.ResolveDeadLetters(c.Context, c.String("source"))
	}
	if err != nil {
		return err
	}
	after, err := open()
	if err == nil {
		_, _ = fmt.Fprintf(rt.Stderr, "%s resolved, %s still open\n",
			display.Count(max(before-after, 0), "dead letter"), display.Thousands(after))
		err = sayOthers(c, rt, db, q, "dlq resolve")
	}
	return err
}

// bytesText is a key or a part of a header in one line, quoted where a terminal could not show it.
func bytesText(b []byte) string {
	if text := string(b); text != "" && utf8.ValidString(text) && !strings.ContainsFunc(text, table.Unprintable) {
		return text
	}
	return strconv.Quote(string(b))
}

// rawText is a message as it came, quoted where a terminal could not show it.
func rawText(l *ledger.DeadLetterState) string {
	raw := string(l.Raw)
	hidden := func(r rune) bool { return table.Unprintable(r) && r != '\n' && r != '\t' }
	switch {
	case raw == "" && l.Code == string(transaction.CodeMessageSize):
		return "not kept: read it at its origin"
	case raw == "":
		return "empty: the message had no value (a tombstone), or one of no bytes"
	case !utf8.ValidString(raw) || strings.ContainsFunc(raw, hidden):
		return strconv.Quote(raw)
	}
	return raw
}
