// Package sqltest runs statements of files on the real ClickHouse engine, over a small fixed data set, and compares
// what they answer with golden files. "go test -update" writes the golden files.
package sqltest

import (
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/embedded/embeddedtest"
	"github.com/txflow/txflow/internal/sqlfile"
)

var update = flag.Bool("update", false, "write the golden files of statements instead of comparing with them")

//go:embed fixture.sql
var fixture string

// Fill stores the fixed data set in a migrated database: each table's rows in one part, as they are, so that no merge
// changes what there is.
func Fill(t testing.TB, database string) {
	t.Helper()
	database += "&optimize_on_insert=0"
	for statement := range strings.SplitSeq(fixture, ";\n") {
		if strings.TrimSpace(statement) != "" {
			embeddedtest.Exec(t, database, statement)
		}
	}
}

// Case is one call of a statement.
type Case struct {
	Name  string            // of the statement
	Args  map[string]string // its parameters
	Texts map[string]string // for words in double braces
	// Around is a query around it, with (%s) for the statement: of an answer that depends on the time.
	Around string
	// Then says what a statement that writes has left.
	Then string
	// Unordered is an answer in no order.
	Unordered bool
	// Whole says why the statement may read all rows of a large table; "" where it must not.
	Whole string
}

// Run runs the cases, in their order. Every statement of the set must have one.
func Run(t *testing.T, database string, set *sqlfile.Set, dir string, cases []Case) {
	t.Helper()
	answers := map[string]string{}
	for _, c := range cases {
		answers[c.Name] += fmt.Sprintf("# %s\n%s\n", c.describe(set), c.answer(t, database, set))
	}
	names := set.Names()
	slices.Sort(names)
	for _, name := range names {
		got, called := answers[name]
		if !called {
			t.Errorf("%s: no case calls it", name)
			continue
		}
		compare(t, filepath.Join(dir, filepath.FromSlash(name)+".txt"), got)
	}
	if *update {
		return
	}
	_ = filepath.WalkDir(dir, func(file string, entry os.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, strings.TrimSuffix(file, ".txt"))
		if _, found := set.Find(filepath.ToSlash(name)); err != nil || !entry.IsDir() && !found {
			t.Errorf("%s: there is no such statement (%v)", file, err)
		}
		return nil
	})
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		t.Errorf("%s: the answer is\n%s\nwant\n%s(%v; -update writes what is the answer now)", file, got, want, err)
	}
}

// describe is what a case asks for, but for what is empty.
func (c *Case) describe(set *sqlfile.Set) string {
	var all []string
	sql, _ := set.Find(c.Name)
	for _, name := range slices.Sorted(maps.Keys(c.Args)) {
		if value := c.Args[name]; value != "" && strings.Contains(sql, "{"+name+":") {
			all = append(all, name+"="+value)
		}
	}
	return strings.Join(all, " ")
}

func (c *Case) answer(t *testing.T, database string, set *sqlfile.Set) string {
	t.Helper()
	sql, found := set.Find(c.Name)
	if !found {
		t.Fatalf("%s: there is no such statement", c.Name)
	}
	for word, text := range c.Texts {
		sql = strings.ReplaceAll(sql, "{{"+word+"}}", text)
	}
	address := c.address(t, database)
	c.explain(t, address, sql)
	if c.Around != "" {
		sql = fmt.Sprintf(c.Around, sql)
	}
	answer := embeddedtest.Exec(t, address, sql)
	if c.Then != "" {
		answer = embeddedtest.Exec(t, address, c.Then)
	}
	if c.Unordered {
		lines := strings.Split(strings.TrimSpace(answer), "\n")
		slices.Sort(lines)
		answer = strings.Join(lines, "\n") + "\n"
	}
	return answer
}

func (c *Case) address(t *testing.T, database string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	for name, value := range c.Args {
		query.Set("param_"+name, value)
	}
	query.Set("mutations_sync", "2")
	u.RawQuery = query.Encode()
	return u.String()
}

// large are the tables that grow with what comes in.
var large = []string{"transactions", "outcomes", "dead_letters", "events", "events_bronze", "event_arrivals",
	"event_entries"}

// explain has ClickHouse plan the statement, and looks whether it reads large tables by a key or an index.
func (c *Case) explain(t *testing.T, address, sql string) {
	t.Helper()
	if strings.HasPrefix(sql, "ALTER") {
		embeddedtest.Exec(t, address, "EXPLAIN AST "+sql)
		return
	}
	if strings.HasPrefix(sql, "INSERT") {
		_, sql, _ = strings.Cut(sql, "\n")
	}
	answer := embeddedtest.Exec(t, address+"&default_format=TabSeparatedRaw", "EXPLAIN json = 1, indexes = 1 "+sql)
	var plans []struct{ Plan plan }
	if err := json.Unmarshal([]byte(answer), &plans); err != nil {
		t.Fatalf("%s: %v in\n%s", c.Name, err, answer)
	}
	var whole []string
	for i := range plans {
		plans[i].Plan.whole(&whole)
	}
	switch {
	case c.Whole == "" && len(whole) > 0:
		t.Errorf("%s: it reads all of %s, by no key and no index:\n%s", c.Name, strings.Join(whole, ", "), answer)
	case c.Whole != "" && len(whole) == 0:
		t.Errorf("%s: it reads no large table as a whole, though %s:\n%s", c.Name, c.Whole, answer)
	}
}

type plan struct {
	Type        string `json:"Node Type"`
	Description string
	Indexes     []struct {
		Type, Condition string
	}
	Plans []plan
}

// whole adds the large tables that a plan reads by no condition.
func (p *plan) whole(tables *[]string) {
	_, table, _ := strings.Cut(p.Description, ".")
	if p.Type == "ReadFromMergeTree" && slices.Contains(large, table) {
		used := false
		for _, index := range p.Indexes {
			used = used || index.Type == "Skip" || index.Condition != "" && index.Condition != "true"
		}
		if !used {
			*tables = append(*tables, table)
		}
	}
	for i := range p.Plans {
		p.Plans[i].whole(tables)
	}
}
