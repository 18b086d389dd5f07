package front

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text   string
		kind   kind
		sql    string
		format string
		data   string
	}{
		{"SELECT 1", query, "SELECT 1", "", ""},
		{" -- a word\n/* FORMAT X */ with 1 AS x select x format JSON", query,
			" -- a word\n/* FORMAT X */ with 1 AS x select x format JSON", "JSON", ""},
		{"SELECT 'it''s FORMAT CSV', `format`, \"FORMAT\" FROM (SELECT 1 FORMAT)", query,
			"SELECT 'it''s FORMAT CSV', `format`, \"FORMAT\" FROM (SELECT 1 FORMAT)", "", ""},
		{"SELECT 1 INTO OUTFILE 'x'", other, "SELECT 1 INTO OUTFILE 'x'", "", ""},
		{"INSERT INTO t VALUES (1)", insert, "INSERT INTO t ", "Values", " (1)"},
		{"INSERT INTO t (a, format) FORMAT  TSV \r\n1\t2\n", insert, "INSERT INTO t (a, format) ", "TSV", "1\t2\n"},
		{"INSERT INTO t FORMAT TSV\n\n", insert, "INSERT INTO t ", "TSV", "\n"},
		{"INSERT INTO t SELECT 1 FORMAT TSV", other, "INSERT INTO t SELECT 1 FORMAT TSV", "", ""},
		{"CREATE TABLE t (a String) ENGINE = Null", other, "CREATE TABLE t (a String) ENGINE = Null", "", ""},
		{"SELECT 'open", query, "SELECT 'open", "", ""},
		{"", other, "", "", ""},
	} {
		got := parse(tt.text)
		if got != (statement{sql: tt.sql, kind: tt.kind, format: tt.format, data: tt.data}) {
			t.Errorf("parse(%q) = %+v", tt.text, got)
		}
	}
}

// FuzzParse takes any text: nothing of it is lost or made up, and what stands in quotes is never a key word.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"SELECT 1 FORMAT JSON", "INSERT INTO t VALUES ('x')", "INSERT INTO t FORMAT TSV\n1\n",
		"/* SELECT", "'\\", "INSERT INTO t (`a", "# x\n("} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := parse(text)
		if !strings.HasPrefix(text, s.sql) || !strings.HasSuffix(text, s.data) || len(s.sql)+len(s.data) > len(text) {
			t.Fatalf("%q became %+v", text, s)
		}
		if s.kind != insert && s.sql != text {
			t.Fatalf("%q lost a part: %+v", text, s)
		}
		quoted := "SELECT '" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
		if q := parse(quoted); q.kind != query || q.format != "" {
			t.Fatalf("%q: %+v", quoted, q)
		}
	})
}
