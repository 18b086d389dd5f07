package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/cmd/internal/commands"
	"github.com/urfave/cli/v2"
)

const header = "id,description,amount,timestamp,merchant,operation_type,side\n"

func row(id int) string {
	return fmt.Sprintf("%d,Groceries,-12.34,2024-01-31 10:15:00,Market,card,debit\n", id)
}

// A file that can not be read as transactions ends with its own clear error, before anything is asked or stored.
func TestBadFilesEndWithAClearError(t *testing.T) {
	dir := t.TempDir()
	p := place{t: t, dir: dir}
	var utf16le bytes.Buffer
	utf16le.Write([]byte{0xff, 0xfe})
	for _, u := range utf16.Encode([]rune(header + row(1))) {
		utf16le.Write([]byte{byte(u), byte(u >> 8)})
	}
	half := gz(t, header+strings.Repeat(row(1), 1000))
	for name, c := range map[string]struct {
		content string
		says    string
	}{
		"empty":          {"", "empty"},
		"header only":    {header, ""}, // there is nothing to do,
		"wrong header":   {"a,b,c\n1,2,3\n", "column"},
		"missing column": {"id,description,amount,timestamp,operation_type,side\n", "merchant"},
		"column twice":   {strings.Replace(header, "merchant", "id", 1), "id"},
		"binary":         {"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00", "binary"},
		"utf-16":         {utf16le.String(), "UTF-16"},
		"open quote":     {header + row(1) + "2,\"never closed,-1\n" + row(3), "quote"},
		"field of 10 MB": {header + "1," + strings.Repeat("x", 10<<20) + ",-1,2024-01-31 10:15:00,m,card,debit\n",
			"--max-record"},
		"torn gzip": {half[:len(half)/2], "gzip"},
	} {
		t.Run(name, func(t *testing.T) {
			file := strings.ReplaceAll(name, " ", "_") + ".csv"
			if name == "torn gzip" {
				file += ".gz"
			}
			must(t, os.WriteFile(filepath.Join(dir, file), []byte(c.content), 0o644))
			code, r := p.run("validate", file)
			want := fault.ExitData
			if c.says == "" {
				want = fault.ExitNothing
			}
			errs := strings.ToLower(r.stderr.String())
			if code != want || c.says != "" && (!strings.Contains(errs, strings.ToLower(c.says)) ||
				!strings.Contains(errs, strings.ToLower(file))) {
				t.Errorf("exit %d, want %d, naming %q and the file:\n%s", code, want, c.says, r.stderr.String())
			}
			if strings.Contains(errs, "groceries") {
				t.Errorf("it shows values:\n%s", r.stderr.String())
			}
		})
	}
	for name, args := range map[string][]string{"directory": {dir}, "not there": {"nothing.csv"},
		"no match": {"*.nothing"}} {
		code, r := p.run("validate", args[0])
		if code != fault.ExitData && code != fault.ExitUnavailable || r.lastLog(t).Error == "" {
			t.Errorf("%s: exit %d\n%s", name, code, r.stderr.String())
		}
	}
}

func TestWrongUsageEndsWith64(t *testing.T) {
	p := place{t: t, dir: t.TempDir()}
	for _, args := range [][]string{{"nothing"}, {"validate"}, {"validate", "--nothing"}, {"split"},
		{"validate", "--delimiter", "x", "a.csv"},
		{"report", "--by", "color"}, {"report", "--json", "--csv"}, {"lineage"},
		{"run", "--clickhouse-url", "nonsense", "a.csv"},
		{"ml-api", "extra"}, {"data", "generate", "--ratio", "0.1"}, {"--log-format", "xml", "doctor"}} {
		code, r := p.run(args...)
		if code != fault.ExitUsage || r.lastLog(t).Error == "" {
			t.Errorf("%v: exit %d\n%s", args, code, r.stderr.String())
		}
	}
}

func TestEveryCommandHasExamplesAndVariables(t *testing.T) {
	a := commands.App()
	var walk func(path string, commands []*cli.Command)
	walk = func(path string, commands []*cli.Command) {
		for _, c := range commands {
			at := path + " " + c.Name
			if len(c.Subcommands) == 0 && !strings.Contains(c.Description, at) {
				t.Errorf("%s has no example", at)
			}
			for _, f := range c.Flags {
				if env, ok := f.(cli.DocGenerationFlag); !ok || len(env.GetEnvVars()) == 0 {
					t.Errorf("%s --%s has no environment variable", at, f.Names()[0])
				}
			}
			walk(at, c.Subcommands)
		}
	}
	walk("txflow", a.Commands)
}

// The tasks by hand, one after the other, as each tells how to run the next; then the questions.
func TestTasksByHand(t *testing.T) {
	_, clickhouse := startPlatform(t, t.TempDir(), "127.0.0.1:0")
	w := newWorkbench(t, clickhouse)
	file := filepath.Join(w.dir, "in.csv.gz")
	must(t, os.WriteFile(file, []byte(gz(t, header+row(1)+row(2)+row(2)+"3,,0,x,,,\n")), 0o644))
	if m := w.ok("validate", "--run-id", "hand", "*.gz").manifest(t); m.Counts != (ledger.Counts{In: 4, Accepted: 2,
		Rejected: 1, Duplicates: 1}) {
		t.Errorf("validate counts %+v", m.Counts)
	}
	if m := w.ok("split", "out/hand").manifest(t); m.Chunks != 1 {
		t.Errorf("split made %d chunks", m.Chunks)
	}
	if m := w.ok("classify", "--chunks", "out/hand/chunks.json", "--index", "0").manifest(t); m.Counts.Predicted != 2 ||
		m.Index == nil {
		t.Errorf("classify: %+v", m)
	}
	if m := w.ok("load", "out/hand", "--manifest", "out/load.json").manifest(t); m.Counts.Stored != 2 ||
		!w.exists("out/load.json")() {
		t.Errorf("load: %+v", m)
	}
	if m := w.ok("reconcile", "--run", "out/hand").manifest(t); m.Counts != (ledger.Counts{In: 4, Accepted: 2, Rejected: 1,
		Duplicates: 1, Predicted: 2, Stored: 2}) && m.Counts.Stored != 2 {
		t.Errorf("reconcile counts %+v", m.Counts)
	}
	if text := w.ok("report", "--csv").stdout.String(); !strings.HasPrefix(text,
		"category,transactions,debit,credit,net\n") || strings.Count(text, "12.34") == 0 {
		t.Errorf("report:\n%s", text)
	}
	if text := w.ok("lineage", "2", "--source", "bank").stdout.String(); !strings.Contains(text, "in.csv.gz") ||
		!strings.Contains(text, "hash-v1") || !strings.Contains(text, "duplicate") {
		t.Errorf("lineage:\n%s", text)
	}
	if text := w.ok("runs", "--json").stdout.String(); !strings.Contains(text, `"status":"done"`) ||
		!strings.Contains(text, `"stored":2`) {
		t.Errorf("runs:\n%s", text)
	}
	if code, r := w.run("lineage", "77", "--source", "bank"); code != fault.ExitNothing {
		t.Errorf("lineage of nobody: exit %d\n%s", code, r.stderr.String())
	}
	if text := w.ok("doctor").stdout.String(); !strings.Contains(text, "up to date") {
		t.Errorf("doctor:\n%s", text)
	}
	if code, r := w.run("doctor", "--clickhouse-url", "http://127.0.0.1:1", "--ml-url",
		"http://127.0.0.1:1"); code != fault.ExitUnavailable ||
		strings.Count(r.stdout.String(), "missing") != 2 || !strings.Contains(r.stdout.String(), "txflow platform") {
		t.Errorf("doctor without anything: exit %d\n%s", code, r.stdout.String())
	}
	if code, r := w.run("run", "--clickhouse-url", "http://127.0.0.1:1", file); code != fault.ExitUnavailable ||
		!strings.Contains(r.stderr.String(), "txflow platform") {
		t.Errorf("run without ClickHouse: exit %d\n%s", code, r.stderr.String())
	}
	if code, _ := w.run("validate", "--max-reject-ratio", "0.1", file); code != fault.ExitData {
		t.Errorf("the gate: exit %d", code)
	}
}

// A row that the ML API refuses becomes a dead letter with the API's words, until a corrected file is run; all others
// are stored.
func TestARefusedRowBecomesADeadLetter(t *testing.T) {
	_, clickhouse := startPlatform(t, t.TempDir(), "127.0.0.1:0")
	w := newWorkbench(t, clickhouse)
	var rows strings.Builder
	rows.WriteString(header)
	for i := range 600 {
		rows.WriteString(row(i + 1))
	}
	must(t, os.WriteFile(filepath.Join(w.dir, "in.csv"),
		[]byte(strings.Replace(rows.String(), "\n321,Groceries", "\n321,poison", 1)), 0o644))
	w.api.harmWith(func(rw http.ResponseWriter, r *http.Request, body []byte, honest http.Handler) {
		if bytes.Contains(body, []byte("poison")) {
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = rw.Write([]byte(`{"detail":[{"loc":["body",0,"description"],"msg":"we do not serve this","type":"value_error"}]}`))
			return
		}
		honest.ServeHTTP(rw, r)
	})
	n := w.ok("run", "--run-id", "r1", "in.csv").record(t).Counts
	if n.In != 600 || n.Stored != 599 || n.DeadLettered != 1 {
		t.Errorf("counts %+v", n)
	}
	if got := w.sql("SELECT source_id, position, outcome, message LIKE '%%we do not serve this%%', raw LIKE '%%poison%%' FROM dead_letters FINAL"); got != "321\t322\tdead_letter\t1\t1" {
		t.Error(got)
	}
	corrected := strings.Replace(rows.String(), "\n321,Groceries", "\n321,bread", 1)
	must(t, os.WriteFile(filepath.Join(w.dir, "corrected.csv"), []byte(corrected), 0o644))
	w.ok("run", "--run-id", "r2", "corrected.csv")
	if got := w.sql("SELECT source_id, state FROM dead_letters FINAL"); got != "321\tresolved" {
		t.Errorf("after a run of the corrected file: %s", got)
	}
}

func gz(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(text))
	must(t, err)
	must(t, z.Close())
	return b.String()
}

// The demo is what a newcomer sees first: it runs twice, and the second time stores nothing twice.
func TestDemo(t *testing.T) {
	here, err := os.Getwd()
	must(t, err)
	p := place{t: t, dir: t.TempDir()}
	for range 2 {
		r := p.ok("demo", "--file", filepath.Join(here, "../../data/transactions.csv"))
		if !strings.Contains(r.stderr.String(),
			"10,000 rows = 10,000 stored + 0 rejected + 0 duplicates + 0 dead letters, reconciled") {
			t.Errorf("the summary is missing:\n%s", r.stderr.String())
		}
		if !strings.Contains(r.stderr.String(),
			"2,138 messages = 2,112 classified + 26 dead letters, in ClickHouse; 112 of them were sent twice and count once") {
			t.Errorf("the summary of what came in live is missing:\n%s", r.stderr.String())
		}
		if !strings.Contains(r.stderr.String(),
			"a package of 3 events: 2 accepted, 1 rejected; sent 2 times, each counts once") {
			t.Errorf("the summary of the events is missing:\n%s", r.stderr.String())
		}
		for _, want := range []string{`WalletTransactionCreatedEvent +financial +1 `, `UserUpdatedEvent +user_activity +1 `,
			"state +gold\n",
			"raw +events.raw/[0-9]+:0 +stored", "duplicate of events.raw/[0-9]+:0", " gold +events", "dead_letter"} {
			if !regexp.MustCompile(want).MatchString(r.stdout.String()) {
				t.Errorf("the demo does not show %q of the events:\n%s", want, r.stdout.String())
			}
		}
		batched, live, _ := strings.Cut(r.stdout.String(), "what came in live")
		if rows := strings.Count(live, "\nRent "); rows != 1 {
			t.Errorf("what came in live is\n%s", live)
		}
		var sum int
		for line := range strings.SplitSeq(batched, "\n") {
			var category string
			var n int
			if i := strings.Index(line, "  "); i > 0 {
				category = line[:i]
				_, _ = fmt.Sscan(strings.TrimSpace(line[i:]), &n) // other tables have no number there
			}
			if category == "Rent" && n != 662 {
				t.Errorf("Rent has %d transactions", n)
			}
			if category == "Utilities" {
				sum++
			}
		}
		if sum != 1 || !strings.Contains(r.stdout.String(), "next steps") {
			t.Errorf("the demo shows\n%s", r.stdout.String())
		}
	}
}

// A row that comes by standard input lands under the id that the contract gives it.
func TestReadsStandardInput(t *testing.T) {
	_, clickhouse := startPlatform(t, t.TempDir(), "127.0.0.1:0")
	w := newWorkbench(t, clickhouse)
	r := w.startWith(strings.NewReader(header+row(1)), "run", "--source", "", "-")
	if code := r.wait(t); code != 0 {
		t.Fatal(r.stderr.String())
	}
	if got := w.sql("SELECT id, source_id, amount FROM transactions FINAL"); got != "81fe8d20-b855-5e84-9566-f6693045d336\t1\t-12.34" {
		t.Error(got)
	}
}
