package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Inspection is what the engine's own parser says of a text: that it is one statement, and what kind.
type Inspection struct {
	SQL      string   // the statement as the engine writes it, without comments and without the data of an insert
	Keywords []string // of the statement, in its order and upper case, such as "INTO OUTFILE"
}

// Inspect asks the engine's parser about a text. More than one statement is an error, as is what can not be parsed. The
// text travels as a parameter and is not run, which EXPLAIN AST would do in part: it writes the INTO OUTFILE itself.
func (e *Engine) Inspect(ctx context.Context, text string) (*Inspection, error) {
	if known := e.inspected.get(text); known != nil {
		return known, nil
	}
	result, _, err := e.Exec(ctx, Statement{Format: "JSONEachRow", Params: Params{"q": escapeTSV(text)}, clean: true,
		SQL: "SELECT formatQuerySingleLine({q:String}) AS sql, highlightQuery(sql) AS tokens"})
	if err != nil {
		return nil, withoutQuestion(err)
	}
	var answer struct {
		SQL    string
		Tokens []struct {
			Begin, End uint64
			Type       string
		}
	}
	if err := json.Unmarshal(result, &answer); err != nil {
		return nil, fmt.Errorf("inspect a statement: %w", err)
	}
	found := &Inspection{SQL: answer.SQL}
	for _, token := range answer.Tokens {
		if token.Type != "keyword" {
			continue
		}
		if token.End > uint64(len(answer.SQL)) || token.Begin > token.End {
			return nil, errors.New("inspect a statement: a keyword is outside of it")
		}
		found.Keywords = append(found.Keywords, strings.ToUpper(answer.SQL[token.Begin:token.End]))
	}
	e.inspected.add(text, found)
	return found, nil
}

// Has reports whether the statement has a keyword of which word is one.
func (i *Inspection) Has(word string) bool {
	return slices.ContainsFunc(i.Keywords, func(k string) bool { return slices.Contains(strings.Fields(k), word) })
}

// Starts reports whether the statement's first keyword begins with one of words.
func (i *Inspection) Starts(words ...string) bool {
	return len(i.Keywords) > 0 && slices.Contains(words, strings.Fields(i.Keywords[0])[0])
}

// leavesSession reports whether the connection is as before when the statement has run. SET, USE, transactions,
// temporary tables and whatever else is not known to be harmless change it.
func (i *Inspection) leavesSession() bool {
	return i.Starts("SELECT", "WITH", "FROM", "INSERT", "SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "KILL",
		"OPTIMIZE") ||
		i.Starts("CREATE", "DROP", "ALTER", "RENAME", "EXCHANGE", "TRUNCATE", "ATTACH", "DETACH") && !i.Has("TEMPORARY")
}

var tsvEscapes = strings.NewReplacer("\\", "\\\\", "\t", "\\t", "\n", "\\n", "\r", "\\r", "\x00", "\\0")

func escapeTSV(s string) string { return tsvEscapes.Replace(s) }

// withoutQuestion takes what only our own question brought about off an error.
func withoutQuestion(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	if at := strings.Index(e.Message, ": In scope SELECT formatQuerySingleLine("); at >= 0 {
		name := e.Message[strings.LastIndex(e.Message, " (")+1:]
		return &Error{Code: e.Code, Message: e.Message[:at] + ". " + strings.TrimSpace(name)}
	}
	return err
}

// inspections are kept by their text: a program sends the same few statements again and again.
type inspections struct {
	sync.Mutex
	byText map[string]*Inspection
}

// Longer texts are asked about each time, so that what is kept takes 8 MiB at most, twice.
const (
	keptTexts   = 1024
	keptTextLen = 8 << 10
)

func (k *inspections) get(text string) *Inspection {
	k.Lock()
	defer k.Unlock()
	return k.byText[text]
}

func (k *inspections) add(text string, i *Inspection) {
	if len(text) > keptTextLen || len(i.SQL) > 2*keptTextLen {
		return
	}
	k.Lock()
	defer k.Unlock()
	if k.byText == nil || len(k.byText) >= keptTexts {
		k.byText = map[string]*Inspection{}
	}
	k.byText[strings.Clone(text)] = i
}
