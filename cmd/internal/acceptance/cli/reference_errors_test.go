package cli

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/fault"
)

// failure is an error that the code makes, with what the user can do next.
type failureText struct{ exit, text, next string }

// failureTexts are all calls of fault.Failf and fault.Fail with a text of the code's own, with the hint around them.
func failureTexts(sources []sourceFile) map[failureText]bool {
	found := map[failureText]bool{}
	texts := map[string]string{} // of constants that hold a hint, by package and name
	for _, dir := range folders(sources) {
		for _, c := range constants(sources, dir, "next") {
			texts[dir+"."+c.name] = c.value
		}
	}
	for _, s := range sources {
		named := map[*ast.CallExpr]bool{} // errors whose hint was seen around them
		record := func(e ast.Expr, next string) {
			call, ok := e.(*ast.CallExpr)
			if exit, text := failureOf(call); ok && text != "" && !named[call] {
				found[failureText{exit, text, next}], named[call] = true, true
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch call, ok := n.(*ast.CallExpr); {
			case !ok:
			case calls(call, "WithHint") && len(call.Args) > 1:
				next := literal(call.Args[1])
				if name, ok := call.Args[1].(*ast.Ident); ok {
					next = cmp.Or(texts[path.Dir(s.path)+"."+name.Name], next)
				}
				record(call.Args[0], next)
			default:
				record(call, "")
			}
			return true
		})
	}
	return found
}

// folders are those of the sources, each once.
func folders(sources []sourceFile) []string {
	seen := map[string]bool{}
	for _, s := range sources {
		seen[path.Dir(s.path)] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// failureOf is the exit code and the text of fault.Failf(fault.ExitData, "…") and of fault.Fail(…, errors.New("…")).
func failureOf(call *ast.CallExpr) (exit, text string) {
	if call == nil || len(call.Args) < 2 || !calls(call, "Failf") && !calls(call, "Fail") {
		return "", ""
	}
	code, ok := call.Args[0].(*ast.SelectorExpr)
	if !ok || !strings.HasPrefix(code.Sel.Name, "Exit") {
		return "", ""
	}
	text = literal(call.Args[1])
	if inner, ok := call.Args[1].(*ast.CallExpr); ok && len(inner.Args) > 0 &&
		(calls(inner, "New") || calls(inner, "Errorf")) {
		text = literal(inner.Args[0])
	}
	if strings.Trim(text, "… :") == "" {
		return "", "" // the text is another's
	}
	return code.Sel.Name, text
}

func calls(call *ast.CallExpr, name string) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	return ok && f.Sel.Name == name
}

var verbs = regexp.MustCompile(`%[-+#0-9.\[\]]*[a-zA-Z]`)

// literal is a text of the code with … for what is known only when it runs.
func literal(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, _ := strconv.Unquote(e.Value) // it was parsed
			return strings.ReplaceAll(verbs.ReplaceAllString(text, "…"), "%%", "%")
		}
	case *ast.BinaryExpr:
		return literal(e.X) + literal(e.Y)
	}
	return "…"
}

// errorsPage lists what commands fail with, by exit code, as a user reads it.
func errorsPage(t *testing.T, sources []sourceFile) string {
	t.Helper()
	value := map[string]string{}
	for _, c := range constants(sources, "internal/fault", "Exit") {
		value[c.name] = c.value
	}
	byCode := map[string][]failureText{}
	for f := range failureTexts(sources) {
		byCode[value[f.exit]] = append(byCode[value[f.exit]], f)
	}
	var b strings.Builder
	b.WriteString(generatedMark + `# Error messages

The texts that commands of txflow fail with, by [exit code](exit-codes.md), and what to do next. ` + "`…`" +
		` stands for what differs: search for
the words beside it. A message may begin with what was done, like *chunk 3: store rows:*. ` +
		`[Troubleshooting](../troubleshooting/README.md) says more
about the frequent ones.
`)
	for _, code := range slices.SortedFunc(maps.Keys(byCode), func(a, b string) int { return number(a) - number(b) }) {
		meaning, _, _ := strings.Cut(exitMeaning[code], "|")
		fmt.Fprintf(&b, "\n## %s: %s\n\n| message | what to do |\n| --- | --- |\n", code, strings.TrimSpace(meaning))
		rows, standard := byCode[code], app.NextSteps[number(code)]
		if number(code) == fault.ExitUsage {
			standard = "see COMMAND --help"
		}
		slices.SortFunc(rows, func(a, b failureText) int {
			return cmp.Or(cmp.Compare(strings.TrimLeft(a.text, "… -:"), strings.TrimLeft(b.text, "… -:")),
				cmp.Compare(a.next, b.next))
		})
		for _, f := range rows {
			if f.next == "" {
				f.next = standard
			}
			fmt.Fprintf(&b, "| %s | %s |\n", cell(f.text), cell(f.next))
		}
	}
	b.WriteString(`
## Answers of the collector

` + "`txflow collect`" + ` answers a request that it does not take with a status, and with ` + "`code` and `message`" +
		` in the body. The reasons for
single events are [reason codes](reason-codes.md#business-events).

| status | code | message | what to do |
| --- | --- | --- | --- |
`)
	for _, r := range refusals(sources) {
		do, ok := statusRemedy[r.status]
		if !ok {
			t.Errorf("the status %s (%s) has no entry in statusRemedy", r.status, r.code)
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", r.status, r.code, cell(r.message), do)
	}
	return b.String()
}

// statusRemedy is what a sender does about an answer of the collector.
var statusRemedy = map[string]string{
	"400": "correct the application", "401": "send a token of the collector's `--token-file`",
	"404": "check the address, or the id and its token", "405": "use the method that `Allow` names",
	"408": "send the same again", "413": "send less at once, or raise `--max-body` or `--max-items`",
	"415": "correct the header", "422": "use another key for another body",
	"429": "send the same again after `Retry-After`", "501": "start the collector with `--clickhouse-url`",
	"503": "send the same again after `Retry-After`; the collector's log says why",
}

type refusalText struct{ status, code, message string }

// refusals are what the collector refuses a whole request with.
func refusals(sources []sourceFile) (found []refusalText) {
	statuses := map[string]string{}
	for code := 400; code < 600; code++ {
		statuses["Status"+strings.NewReplacer(" ", "", "-", "").Replace(http.StatusText(code))] = strconv.Itoa(code)
	}
	for _, s := range sources {
		if !strings.HasPrefix(s.path, "stream/events/collect/") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			made, ok := n.(*ast.CompositeLit)
			if !ok || len(made.Elts) < 3 {
				return true
			}
			if name, ok := made.Type.(*ast.Ident); !ok || name.Name != "refusal" {
				return true
			}
			value := func(i int) ast.Expr { // fields are named, or all in their order
				if named, ok := made.Elts[i].(*ast.KeyValueExpr); ok {
					return named.Value
				}
				return made.Elts[i]
			}
			r := refusalText{code: literal(value(1)), message: literal(value(2))}
			if status, ok := value(0).(*ast.SelectorExpr); ok {
				r.status = statuses[status.Sel.Name]
			}
			if call, ok := value(2).(*ast.CallExpr); ok {
				r.message = "…"
				if calls(call, "Sprintf") {
					r.message = literal(call.Args[0])
				}
			}
			found = append(found, r)
			return true
		})
	}
	slices.SortFunc(found, func(a, b refusalText) int {
		return cmp.Or(cmp.Compare(a.status, b.status), cmp.Compare(a.code, b.code), cmp.Compare(a.message, b.message))
	})
	return slices.Compact(found)
}

// TestErrorTexts makes sure that errors are found in the code as it is written.
func TestErrorTexts(t *testing.T) {
	t.Parallel()
	found := failureTexts(parseSources(t))
	for _, want := range []failureText{
		{"ExitData", "the database has migration …, which this txflow does not know", ""},
		{"ExitUsage", "missing argument: ID", ""},
		{"ExitNothing", "there is no open dead letter to replay", ""},
	} {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(found)), func(f failureText) bool {
			return f.exit == want.exit && f.text == want.text
		}) {
			t.Errorf("no error %q with %s was found among %d", want.text, want.exit, len(found))
		}
	}
	if r := refusals(parseSources(t)); len(r) < 20 || !slices.Contains(r, refusalText{"429", "rate_limited",
		"the token's rate is used up"}) {
		t.Errorf("refusals of the collector: %v", r)
	}
	if len(found) < 150 {
		t.Errorf("%d errors were found", len(found))
	}
}
