package sqlfile_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/txflow/txflow/internal/sqlfile"
)

func files(texts map[string]string) fstest.MapFS {
	all := fstest.MapFS{}
	for name, text := range texts {
		all[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return all
}

func TestLoad(t *testing.T) {
	t.Parallel()
	set, err := sqlfile.Load(files(map[string]string{
		"sql/a/all.sql": "-- What there is.\n-- Parameters: x.\nSELECT {x:String}\n" +
			"FROM {{a/these.part}} -- {{ids}}\nWHERE id IN ({{ids}})\n",
		"sql/a/these.part.sql": "-- These.\nt FINAL\n",
		"sql/b.sql":            "SELECT 1",
		"sql/notes.txt":        "no statement",
	}), "sql")
	if err != nil {
		t.Fatal(err)
	}
	names := set.Names()
	if slices.Sort(names); !slices.Equal(names, []string{"a/all", "b"}) {
		t.Errorf("the statements are %v", names)
	}
	if got := set.With("a/all", "ids", "1, 2"); got != "SELECT {x:String}\nFROM t FINAL -- 1, 2\nWHERE id IN (1, 2)" {
		t.Errorf("the statement is %q", got)
	}
	if got := set.Piece("a/these"); got != "t FINAL" {
		t.Errorf("the piece is %q", got)
	}
	if _, found := set.Find("a/these.part"); found {
		t.Error("a piece is a statement")
	}
	for name, call := range map[string]func(){"Text": func() { set.Text("c") }, "Piece": func() { set.Piece("c") }} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s of a name that no file has does not panic", name)
				}
			}()
			call()
		}()
	}
}

func TestAPieceThatIsMissingIsAnError(t *testing.T) {
	t.Parallel()
	_, err := sqlfile.Load(files(map[string]string{"sql/a.sql": "SELECT 1 FROM {{b.part}}"}), "sql")
	if err == nil || !strings.Contains(err.Error(), "b.part") || !strings.Contains(err.Error(), "a:") {
		t.Errorf("the error is %v", err)
	}
}
