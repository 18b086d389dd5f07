package ui

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/transaction"
)

// deadLetterView is a dead letter. A file that changed may have several of one line.
type deadLetterView struct {
	DeadLetters []oneDeadLetter
	Raw         bool
}

type oneDeadLetter struct {
	deadLetterRow
	ID       string    `json:"id,omitempty"` // UUID, "" where none could be read
	RawBytes int       `json:"raw_bytes"`
	Raw      string    `json:"raw,omitempty"` // only where it is asked for
	Headers  []header  `json:"headers"`
	Form     string    `json:"-"` // how the message is shown: as it is, as JSON with line breaks, or in hexadecimal
	Shown    string    `json:"-"`
	Cut      int       `json:"-"` // bytes that are not shown
	Commands []command `json:"-"`
	NoCopy   bool      `json:"-"`
}

type header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// shownRaw is how much of a message a page shows, in bytes.
const shownRaw = 64 << 10

func (u *UI) deadLetterPage(r *http.Request) (*page, error) {
	q := r.URL.Query()
	partition, err1 := strconv.ParseInt(q.Get("partition"), 10, 32)
	position, err2 := strconv.ParseUint(q.Get("position"), 10, 64)
	if err1 != nil || err2 != nil || q.Get("origin") == "" {
		return nil, fault.Failf(fault.ExitUsage, "a dead letter is named by origin, partition and position")
	}
	v := &deadLetterView{}
	var err error
	if v.Raw, err = rawAsked(r); err != nil {
		return nil, err
	}
	at := ledger.Origin{Origin: q.Get("origin"), Partition: int32(partition), Position: position}
	const most = 20
	deadLetters, err := u.cfg.DB.DeadLetters(r.Context(), ledger.DeadLetterQuery{At: &at, Sizes: true, Raw: v.Raw,
		Limit: most})
	if err != nil {
		return nil, err
	}
	if len(deadLetters) == 0 {
		return nil, fault.WithHint(fault.Failf(fault.ExitNothing, "there is no dead letter of %s, partition %d, position %d",
			plain(at.Origin), at.Partition, at.Position),
			"/dead-letters?state=all has those that there are")
	}
	for i := range deadLetters {
		v.DeadLetters = append(v.DeadLetters, oneDeadLetterOf(&deadLetters[i]))
	}
	return &page{View: "dead_letter", Title: "Dead letter", Section: "Dead letters", Data: v,
		Parts: []Part{{"dead_letters", v.DeadLetters}}}, nil
}

func oneDeadLetterOf(l *ledger.DeadLetterState) oneDeadLetter {
	one := oneDeadLetter{deadLetterRow: deadLetterRowOf(l), RawBytes: l.RawBytes, Raw: string(l.Raw)}
	if id, err := uuid.Parse(l.ID); err == nil && id != uuid.Nil {
		one.ID = l.ID
	}
	one.Form, one.Shown, one.Cut = readable(l.Raw)
	for _, h := range l.Headers { // they are read with the message
		one.Headers = append(one.Headers, header{plain(h.Name), string(h.Value)})
	}
	known := func(name, value string) {
		if !slices.ContainsFunc(one.Headers, func(h header) bool { return h.Name == name }) {
			one.Headers = append(one.Headers, header{name, value})
		}
	}
	if l.Parent != "" {
		known("traceparent", l.Parent)
	}
	if l.Version != 0 {
		known("txflow-version", strconv.FormatInt(l.Version, 10))
	}
	if l.Replays > 0 {
		known("txflow-replays", strconv.Itoa(l.Replays))
	}
	add := func(what, format, value string, more ...any) {
		word, ok := shellQuote(value)
		if one.NoCopy = one.NoCopy || !ok; ok {
			one.Commands = append(one.Commands, command{what, fmt.Sprintf(format, append([]any{word}, more...)...)})
		}
	}
	add("show it", "txflow dlq show %s %d %d", l.Origin.Origin, l.Origin.Partition, l.Origin.Position)
	if l.Pipeline == "events" && l.State == ledger.StateOpen {
		add("see the event", "txflow events show %s", l.ID)
		add("send it again", "txflow dlq replay --pipeline events --id %s", l.ID)
	}
	if l.SourceID != "" && l.State == ledger.StateOpen {
		if l.Pipeline == "stream" {
			add("send it again, with all of its id", "txflow dlq replay --id %s", l.SourceID)
		}
		add("close all of its id", "txflow dlq purge --id %s --dry-run", l.SourceID)
	}
	return one
}

// NoMessage says why there is no message.
func (l *oneDeadLetter) NoMessage() string {
	switch {
	case l.RawBytes > 0:
		return ""
	case l.Code == string(transaction.CodeMessageSize):
		return "It was too large to be kept: read it at its origin."
	}
	return "It is empty: the message had no value, or one of no bytes."
}

// readable makes a message readable: JSON with line breaks, text as it is, anything else in hexadecimal.
func readable(raw []byte) (form, shown string, cut int) {
	if len(raw) > shownRaw {
		raw, cut = raw[:shownRaw], len(raw)-shownRaw
	}
	var pretty bytes.Buffer
	if trimmed := bytes.TrimSpace(raw); cut == 0 && len(trimmed) > 0 && trimmed[0] == '{' && utf8.Valid(raw) &&
		json.Indent(&pretty, trimmed, "", "  ") == nil {
		return "JSON, with line breaks added", pretty.String(), 0
	}
	for cut > 0 && len(raw) > shownRaw-utf8.UTFMax && !utf8.Valid(raw) { // not through the middle of a character
		raw = raw[:len(raw)-1]
		cut++
	}
	if !utf8.Valid(raw) || bytes.IndexByte(raw, 0) >= 0 {
		return "bytes, in hexadecimal", strings.TrimRight(hex.Dump(raw), "\n"), cut
	}
	return "text", string(raw), cut
}
