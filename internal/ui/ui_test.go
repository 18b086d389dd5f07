package ui_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/embedded/embeddedtest"
	"github.com/txflow/txflow/internal/transaction"
)

func TestMain(m *testing.M) { os.Exit(embeddedtest.Main(m)) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const (
	source  = "bank"
	runID   = "20240601T120000Z-abc123"
	file    = "file:///in/hostile.csv"
	traceID = "0af7651916cd43dd8448eb211c80319c"
	spanID  = "b7ad6b7169203331"
	rawText = "the-secret-raw-text"
)

// given are the values of a form's fields: the reader's own, to be sent again as they are.
var given = regexp.MustCompile(` value="[^"]*"`)

// TestPages asks for every page in every format, with hostile text in every column that may hold any.
func TestPages(t *testing.T) {
	t.Parallel()
	address, db := database(t)
	fill(t, db)
	fillEvents(t, address)
	u := pages(t, address, nil)
	for _, path := range everyPage(t, u) {
		text := given.ReplaceAllString(body(t, u, path), "")
		for _, bad := range []string{"<script>w", "<img src=x", "<svg onload", " onmouseover='w", "\u202e", "\u200b", "\x07",
			"\x1b", "\x00", "\xff", `href="javascript:`, "ZgotmplZ", "%!", "<no value>", ` style="`} {
			if strings.Contains(text, bad) {
				t.Errorf("%s holds %q: …%s", path, bad, around(text, bad))
			}
		}
		if !strings.HasPrefix(text, "<!doctype html>") || !strings.Contains(text, "</html>") {
			t.Errorf("%s is no whole page", path)
		}
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		found, _ := parts(t, u, path)
		if len(found) == 0 {
			t.Errorf("%s has no parts as JSON", path)
		}
		for part := range found {
			table, err := csv.NewReader(strings.NewReader(body(t, u, path+separator+"format=csv&part="+part))).ReadAll()
			if err != nil || len(table) != len(found[part])+1 {
				t.Errorf("%s: CSV of %s has %d lines for %d rows: %v", path, part, len(table), len(found[part]), err)
			}
			for _, line := range table {
				for _, cell := range line {
					if cell != "" && strings.ContainsRune("=@\t\n", rune(cell[0])) {
						t.Errorf("%s: CSV of %s has a formula: %.40q", path, part, cell)
					}
				}
			}
		}
	}
}

func around(text, what string) string {
	at := strings.Index(text, what)
	return text[max(at-80, 0):min(at+80, len(text))]
}

// TestFigures compares what the pages say with what was stored.
func TestFigures(t *testing.T) {
	t.Parallel()
	address, db := database(t)
	fill(t, db)
	u := pages(t, address, nil)
	all, _ := parts(t, u, "/")
	count := 0.
	for _, c := range all["categories"] {
		count += c["transactions"].(float64)
	}
	if count != stored+1 || len(all["months"]) != 15 || len(all["merchants"]) != 12 ||
		all["dead_letters"][0]["dead_letters"].(float64) != 60 {
		t.Errorf("the overview counts %v, %d months, %d merchants, %v", count, len(all["months"]), len(all["merchants"]),
			all["dead_letters"])
	}
	text := fmt.Sprint(all["attention"])
	for _, want := range []string{"The last run of source <b>crm</b> failed",
		"61 dead letters are open, 60 of them amount_format"} {
		if !strings.Contains(text, want) {
			t.Errorf("attention lacks %q: %s", want, text)
		}
	}
	if html := body(t, u, "/"); !strings.Contains(html, "source &lt;b&gt;crm&lt;/b&gt; failed") ||
		strings.Contains(html, "<b>crm") {
		t.Error("the name of a source is not escaped")
	}
	for path, want := range map[string]string{
		"/runs/" + runID: "60 rejected", "/transactions/" + transaction.DeriveID(source, []byte("5")).String(): "hostile.csv",
		"/transactions/" + transaction.DeriveID("live", []byte("900")).String(): "partition 3, offset 41",
		"/transactions/" + transaction.DeriveID(source, []byte("7")).String():   "(none)",
		"/dead-letters?reason=message_format": "txflow dlq replay --reason " +
			"message_format --dry-run", "/dead-letters?source=bank&reason=amount_format": "txflow dlq purge --reason " +
			"amount_format --source bank --dry-run",
	} {
		if html := body(t, u, path); !strings.Contains(html, want) {
			t.Errorf("%s lacks %q", path, want)
		}
	}
	if w := get(t, u, "/transactions?q=900"); w.Code != http.StatusSeeOther ||
		w.Header().Get("Location") != "/transactions/"+transaction.DeriveID("live", []byte("900")).String() {
		t.Errorf("a search for one id: %d %s", w.Code, w.Header().Get("Location"))
	}
}

// TestPagesFollow walks the pages of each list: every row comes once, in order.
func TestPagesFollow(t *testing.T) {
	t.Parallel()
	address, db := database(t)
	fill(t, db)
	u := pages(t, address, nil)
	for path, want := range map[string]struct {
		part, key string
		rows      int
	}{
		"/runs/" + runID + "/rows?limit=17":     {"rows", "line", stored},
		"/runs/" + runID + "/rejected?limit=17": {"rejected", "line", 60},
		"/transactions?source=bank&limit=17":    {"transactions", "id", stored},
		"/dead-letters?limit=17":                {"dead_letters", "position", 61},
		"/runs?limit=1":                         {"runs", "run_id", 2},
	} {
		seen, rounds, last := map[any]bool{}, 0, 0.
		for next := path; next != "" && rounds < 20; rounds++ {
			var all map[string][]map[string]any
			all, next = parts(t, u, next)
			for _, row := range all[want.part] {
				if n, ok := row[want.key].(float64); ok && want.key == "line" {
					if n <= last {
						t.Errorf("%s: line %v comes after %v", path, n, last)
					}
					last = n
				}
				if seen[row[want.key]] {
					t.Errorf("%s: %v comes twice", path, row[want.key])
				}
				seen[row[want.key]] = true
			}
		}
		if len(seen) != want.rows {
			t.Errorf("%s: %d of %d rows, in %d pages", path, len(seen), want.rows, rounds)
		}
	}
}

// TestRawTextIsAskedFor looks for the text of rows and messages where nobody asked for it.
func TestRawTextIsAskedFor(t *testing.T) {
	t.Parallel()
	address, db := database(t)
	fill(t, db)
	fillEvents(t, address)
	u := pages(t, address, nil)
	for _, path := range everyPage(t, u) {
		path = strings.NewReplacer("?raw=1&", "?", "?raw=1", "").Replace(path)
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		for _, format := range []string{"html", "json", "csv"} {
			if strings.Contains(body(t, u, path+separator+"format="+format), rawText) {
				t.Errorf("%s as %s shows the text of a row", path, format)
			}
		}
	}
	if path := "/runs/" + runID + "/rejected"; !strings.Contains(body(t, u, path+"?raw=1&format=csv"), rawText) ||
		!strings.Contains(body(t, u, path+"?raw=1"), rawText) {
		t.Error("it is not shown where it is asked for")
	}
}
