package batch

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/cmd/internal/commands"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"
)

// A file that can not be read as transactions ends with its own clear error, before anything is asked or stored.
func TestBadFilesEndWithAClearError(t *testing.T) {
	dir := t.TempDir()
	p := harness.Place{T: t, Dir: dir}
	var utf16le bytes.Buffer
	utf16le.Write([]byte{0xff, 0xfe})
	for _, u := range utf16.Encode([]rune(harness.Header + harness.Row(1))) {
		utf16le.Write([]byte{byte(u), byte(u >> 8)})
	}
	half := harness.GZ(t, harness.Header+strings.Repeat(harness.Row(1), 1000))
	for name, c := range map[string]struct {
		content string
		says    string
	}{
		"empty":          {"", "empty"},
		"header only":    {harness.Header, ""}, // there is nothing to do,
		"wrong header":   {"a,b,c\n1,2,3\n", "column"},
		"missing column": {"id,description,amount,timestamp,operation_type,side\n", "merchant"},
		"column twice":   {strings.Replace(harness.Header, "merchant", "id", 1), "id"},
		"binary":         {"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00", "binary"},
		"utf-16":         {utf16le.String(), "UTF-16"},
		"open quote":     {harness.Header + harness.Row(1) + "2,\"never closed,-1\n" + harness.Row(3), "quote"},
		"field of 10 MB": {harness.Header + "1," + strings.Repeat("x", 10<<20) + ",-1,2024-01-31 10:15:00,m,card,debit\n",
			"--max-record"},
		"torn gzip": {half[:len(half)/2], "gzip"},
	} {
		t.Run(name, func(t *testing.T) {
			file := strings.ReplaceAll(name, " ", "_") + ".csv"
			if name == "torn gzip" {
				file += ".gz"
			}
			harness.Must(t, os.WriteFile(filepath.Join(dir, file), []byte(c.content), 0o644))
			code, r := p.Run("validate", file)
			want := fault.ExitData
			if c.says == "" {
				want = fault.ExitNothing
			}
			errs := strings.ToLower(r.Stderr.String())
			if code != want || c.says != "" && (!strings.Contains(errs, strings.ToLower(c.says)) ||
				!strings.Contains(errs, strings.ToLower(file))) {
				t.Errorf("exit %d, want %d, naming %q and the file:\n%s", code, want, c.says, r.Stderr.String())
			}
			if strings.Contains(errs, "groceries") {
				t.Errorf("it shows values:\n%s", r.Stderr.String())
			}
		})
	}
	for name, args := range map[string][]string{"directory": {dir}, "not there": {"nothing.csv"},
		"no match": {"*.nothing"}} {
		code, r := p.Run("validate", args[0])
		if code != fault.ExitData && code != fault.ExitUnavailable || r.LastLog(t).Error == "" {
			t.Errorf("%s: exit %d\n%s", name, code, r.Stderr.String())
		}
	}
}

func TestWrongUsageEndsWith64(t *testing.T) {
	p := harness.Place{T: t, Dir: t.TempDir()}
	for _, args := range [][]string{{"nothing"}, {"validate"}, {"validate", "--nothing"}, {"split"},
		{"validate", "--delimiter", "x", "a.csv"},
		{"report", "--by", "color"}, {"report", "--json", "--csv"}, {"lineage"},
		{"run", "--clickhouse-url", "nonsense", "a.csv"},
		{"ml-api", "extra"}, {"data", "generate", "--ratio", "0.1"}, {"--log-format", "xml", "doctor"}} {
		code, r := p.Run(args...)
		if code != fault.ExitUsage || r.LastLog(t).Error == "" {
			t.Errorf("%v: exit %d\n%s", args, code, r.Stderr.String())
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
	_, clickhouse := harness.StartPlatform(t, t.TempDir(), "127.0.0.1:0")
	w := harness.NewWorkbench(t, clickhouse)
	file := filepath.Join(w.Dir, "in.csv.gz")
	harness.Must(t, os.WriteFile(file, []byte(harness.GZ(t, harness.Header+harness.Row(1)+harness.Row(2)+harness.Row(2)+
		"3,,0,x,,,\n")), 0o644))
	if m := w.OK("validate", "--run-id", "hand", "*.gz").Manifest(t); m.Counts != (ledger.Counts{In: 4, Accepted: 2,
		Rejected: 1, Duplicates: 1}) {
		t.Errorf("validate counts %+v", m.Counts)
	}
	if m := w.OK("split", "out/hand").Manifest(t); m.Chunks != 1 {
		t.Errorf("split made %d chunks", m.Chunks)
	}
	if m := w.OK("classify", "--chunks", "out/hand/chunks.json", "--index", "0").Manifest(t); m.Counts.Predicted != 2 ||
		m.Index == nil {
		t.Errorf("classify: %+v", m)
	}
	if m := w.OK("load", "out/hand", "--manifest", "out/load.json").Manifest(t); m.Counts.Stored != 2 ||
		!w.Exists("out/load.json")() {
		t.Errorf("load: %+v", m)
	}
	if m := w.OK("reconcile", "--run", "out/hand").Manifest(t); m.Counts != (ledger.Counts{In: 4, Accepted: 2, Rejected: 1,
		Duplicates: 1, Predicted: 2, Stored: 2}) && m.Counts.Stored != 2 {
		t.Errorf("reconcile counts %+v", m.Counts)
	}
	if text := w.OK("report", "--csv").Stdout.String(); !strings.HasPrefix(text,
		"category,transactions,debit,credit,net\n") || strings.Count(text, "12.34") == 0 {
		t.Errorf("report:\n%s", text)
	}
	if text := w.OK("lineage", "2", "--source", "bank").Stdout.String(); !strings.Contains(text, "in.csv.gz") ||
		!strings.Contains(text, "hash-v1") || !strings.Contains(text, "duplicate") {
		t.Errorf("lineage:\n%s", text)
	}
	if text := w.OK("runs", "--json").Stdout.String(); !strings.Contains(text, `"status":"done"`) ||
		!strings.Contains(text, `"stored":2`) {
		t.Errorf("runs:\n%s", text)
	}
	if code, r := w.Run("lineage", "77", "--source", "bank"); code != fault.ExitNothing {
		t.Errorf("lineage of nobody: exit %d\n%s", code, r.Stderr.String())
	}
	if text := w.OK("doctor").Stdout.String(); !strings.Contains(text, "up to date") {
		t.Errorf("doctor:\n%s", text)
	}
	if code, r := w.Run("doctor", "--clickhouse-url", "http://127.0.0.1:1", "--ml-url",
		"http://127.0.0.1:1"); code != fault.ExitUnavailable ||
		strings.Count(r.Stdout.String(), "missing") != 2 || !strings.Contains(r.Stdout.String(), "txflow platform") {
		t.Errorf("doctor without anything: exit %d\n%s", code, r.Stdout.String())
	}
	if code, r := w.Run("run", "--clickhouse-url", "http://127.0.0.1:1", file); code != fault.ExitUnavailable ||
		!strings.Contains(r.Stderr.String(), "txflow platform") {
		t.Errorf("run without ClickHouse: exit %d\n%s", code, r.Stderr.String())
	}
	if code, _ := w.Run("validate", "--max-reject-ratio", "0.1", file); code != fault.ExitData {
		t.Errorf("the gate: exit %d", code)
	}
}

// A row that the ML API refuses becomes a dead letter with the API's words, until a corrected file is run; all others
// are stored.
func TestARefusedRowBecomesADeadLetter(t *testing.T) {
	_, clickhouse := harness.StartPlatform(t, t.TempDir(), "127.0.0.1:0")
	w := harness.NewWorkbench(t, clickhouse)
	var rows strings.Builder
	rows.WriteString(harness.Header)
	for i := range 600 {
		rows.WriteString(harness.Row(i + 1))
	}
	harness.Must(t, os.WriteFile(filepath.Join(w.Dir, "in.csv"),
		[]byte(strings.Replace(rows.String(), "\n321,Groceries", "\n321,poison", 1)), 0o644))
	w.API.HarmWith(func(rw http.ResponseWriter, r *http.Request, body []byte, honest http.Handler) {
		if bytes.Contains(body, []byte("poison")) {
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = rw.Write([]byte(`{"detail":[{"loc":["body",0,"description"],"msg":"we do not serve ` +
				`this","type":"value_error"}]}`))
			return
		}
		honest.ServeHTTP(rw, r)
	})
	n := w.OK("run", "--run-id", "r1", "in.csv").Record(t).Counts
	if n.In != 600 || n.Stored != 599 || n.DeadLettered != 1 {
		t.Errorf("counts %+v", n)
	}
	if got := w.SQL("SELECT source_id, position, outcome, message LIKE '%%we do not serve this%%', raw LIKE " +
		"'%%poison%%' FROM dead_letters FINAL"); got != "321\t322\tdead_letter\t1\t1" {
		t.Error(got)
	}
	corrected := strings.Replace(rows.String(), "\n321,Groceries", "\n321,bread", 1)
	harness.Must(t, os.WriteFile(filepath.Join(w.Dir, "corrected.csv"), []byte(corrected), 0o644))
	w.OK("run", "--run-id", "r2", "corrected.csv")
	if got := w.SQL("SELECT source_id, state FROM dead_letters FINAL"); got != "321\tresolved" {
		t.Errorf("after a run of the corrected file: %s", got)
	}
}

// The demo is what a newcomer sees first: it runs twice, and the second time stores nothing twice.
func TestDemo(t *testing.T) {
	p := harness.Place{T: t, Dir: t.TempDir()}
	for range 2 {
		r := p.OK("demo", "--file", harness.MustAbs(t, filepath.Join(harness.Repository, "data/transactions.csv")))
		if !strings.Contains(r.Stderr.String(),
			"10,000 rows = 10,000 stored + 0 rejected + 0 duplicates + 0 dead letters, reconciled") {
			t.Errorf("the summary is missing:\n%s", r.Stderr.String())
		}
		if !strings.Contains(r.Stderr.String(),
			"2,138 messages = 2,112 classified + 26 dead letters, in ClickHouse; 112 of them were sent twice and count once") {
			t.Errorf("the summary of what came in live is missing:\n%s", r.Stderr.String())
		}
		if !strings.Contains(r.Stderr.String(),
			"a package of 3 events: 2 accepted, 1 rejected; sent 2 times, each counts once") {
			t.Errorf("the summary of the events is missing:\n%s", r.Stderr.String())
		}
		for _, want := range []string{`WalletTransactionCreatedEvent\n +financial +1 `,
			`UserUpdatedEvent\n +user_activity +1 `,
			"state +gold\n",
			"raw +events.raw/[0-9]+:0 +stored", "duplicate of events.raw/[0-9]+:0", " gold +events", "dead_letter"} {
			if !regexp.MustCompile(want).MatchString(r.Stdout.String()) {
				t.Errorf("the demo does not show %q of the events:\n%s", want, r.Stdout.String())
			}
		}
		batched, live, _ := strings.Cut(r.Stdout.String(), "what came in live")
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
		if sum != 1 || !strings.Contains(r.Stdout.String(), "next steps") {
			t.Errorf("the demo shows\n%s", r.Stdout.String())
		}
	}
}

// A row that comes by standard input lands under the id that the contract gives it, and the least and the greatest
// amounts and times as they were written.
func TestReadsStandardInput(t *testing.T) {
	_, clickhouse := harness.StartPlatform(t, t.TempDir(), "127.0.0.1:0")
	w := harness.NewWorkbench(t, clickhouse)
	r := w.StartWith(strings.NewReader(harness.Header+harness.Row(1)+
		"2,greatest,99999999999999.9999,9999-12-31T23:59:59.999999Z,m,card,credit\n"+
		"3,least,-99999999999999.9999,0001-01-01 00:00:00,m,card,debit\n"+
		"4,smallest,-0.0001,1969-12-31T23:59:59.999999Z,m,card,debit\n"), "run", "--source", "", "--earliest", "0001-01-01",
		"--latest", "9999-12-31", "-")
	if code := r.Wait(t); code != 0 {
		t.Fatal(r.Stderr.String())
	}
	if got := w.SQL("SELECT id, source_id, amount FROM transactions FINAL " +
		"WHERE source_id = '1'"); got != "81fe8d20-b855-5e84-9566-f6693045d336\t1\t-12.34" {
		t.Error(got)
	}
	if got, want := w.SQL("SELECT source_id, amount, toUnixTimestamp64Micro(timestamp) FROM transactions FINAL WHERE "+
		"source_id > '1' ORDER BY source_id"),
		"2\t99999999999999.9999\t253402300799999999\n3\t-99999999999999.9999\t-62135596800000000\n"+
			"4\t-0.0001\t-1"; got != want {
		t.Errorf("the extremes are\n%s\nwant\n%s", got, want)
	}
}
