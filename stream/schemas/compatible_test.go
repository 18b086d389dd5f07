package schemas

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/txflow/txflow/internal/fault"
)

// TestVersions checks every version in the folder against those before it, and that none was changed since it landed.
func TestVersions(t *testing.T) {
	t.Parallel()
	subjects, err := All()
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(subjects); err != nil {
		t.Error(err)
	}
	landed, err := os.ReadFile("testdata/landed.sha256")
	if err != nil {
		t.Fatal(err)
	}
	var lines string
	for _, s := range subjects {
		for i, text := range s.Versions {
			lines += fmt.Sprintf("%x  %s.v%d.%s\n", sha256.Sum256([]byte(text)), strings.TrimSuffix(s.Name, "-value"),
				i+1, map[Format]string{JSON: "json", Avro: "avsc"}[s.Format])
		}
	}
	if lines != string(landed) {
		t.Errorf("a version that landed is never changed: add TOPIC.vN.json, and its line to testdata/landed.sha256. The "+
			"folder has\n%s", lines)
	}
}

const base = `{"type":"object","properties":{"a":{"type":"string","enum":["x","y"]},` +
	`"b":{"type":"object","properties":{"c":{"type":"integer","minimum":0}},
"required":["c"],"additionalProperties":false}},"required":["a","b"],"additionalProperties":false}`

func TestFindings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, old, by, want string }{
		{"nothing", "", "", ""},
		{"a note", `"type":"object","properties"`, `"title":"t","type":"object","properties"`, ""},
		{"a field that may be absent", `"b":{"type"`, `"n":{"type":"string"},"b":{"type"`, ""},
		{"a field that is required", `["a","b"]`, `["a","b","n"]`, "the message: n is required now"},
		{"a field less required", `["a","b"]`, `["a"]`, ""},
		{"a type", `{"type":"string"`, `{"type":["string","null"]`, ".a: the type was string and is [string null]"},
		{"a value more", `["x","y"]`, `["z","y","x"]`, ""},
		{"a value less", `["x","y"]`, `["x"]`, ".a: the value y is gone"},
		{"no more enum", `,"enum":["x","y"]`, ``, ""},
		{"a field gone, deep", `"c":{"type":"integer","minimum":0}`, ``, ".b: c is gone"},
		{"a type, deep", `"integer"`, `"number"`, ".b.c: the type was integer and is number"},
		{"a limit changed", `"minimum":0`, `"minimum":1`, ".b.c: minimum was 0 and is 1"},
		{"a limit gone", `,"minimum":0`, ``, ""},
		{"a limit added", `"minimum":0`, `"minimum":0,"maximum":9`, ".b.c: maximum was <nil> and is 9"},
		{"opened", `,"required":["a","b"],"additionalProperties":false`, `,"required":["a","b"]`,
			"the message: additionalProperties is gone: a later field could not be distinguished from an unknown one"},
		{"a keyword that it does not know", `"required":["a","b"]`, `"required":["a","b"],"not":{}`,
			"the message: not was <nil> and is map[]"},
	} {
		after := strings.ReplaceAll(strings.ReplaceAll(base, "\n", ""), c.old, c.by)
		if c.name == "nothing" {
			after = base
		} else if after == strings.ReplaceAll(base, "\n", "") {
			t.Fatalf("%s changes nothing", c.name)
		}
		if got, err := Findings(JSON, base, after); err != nil || strings.Join(got, "; ") != c.want {
			t.Errorf("%s: %q %v, want %q", c.name, got, err, c.want)
		}
	}
	open := `{"type":"object","properties":{}}`
	if got, err := Findings(JSON, open, `{"type":"object","properties":{"n":{}}}`); err != nil || len(got) != 1 {
		t.Errorf("a field that an open object could have had: %q %v", got, err)
	}
	if _, err := Findings(JSON, base, "no JSON"); err == nil {
		t.Error("a schema that is none is fine")
	}
}

// TestCheck compares with all versions before, not the last alone.
func TestCheck(t *testing.T) {
	t.Parallel()
	without := strings.Replace(base, `"a":{"type":"string","enum":["x","y"]},`, "", 1)
	subjects, err := load(fstest.MapFS{"t.v1.json": {Data: []byte(base)},
		"t.v2.json": {Data: []byte(strings.Replace(base, `["x","y"]`, `["x","y","z"]`, 1))},
		"t.v3.json": {Data: []byte(without)}}, "t")
	if err != nil || len(subjects[0].Versions) != 3 {
		t.Fatalf("%v %v", subjects, err)
	}
	err = Check(subjects)
	if text := fmt.Sprint(err); fault.ExitCode(err) != fault.ExitData || !strings.Contains(text,
		"t-value, version 3 after version 1: the message: a is gone") ||
		!strings.Contains(text, "version 3 after version 2") {
		t.Errorf("exit %d: %v", fault.ExitCode(err), err)
	}
	if _, err := load(fstest.MapFS{}, "t"); err == nil {
		t.Error("a topic without a schema is fine")
	}
}

// memory is a registry that remembers, and refuses what it has to.
type memory struct {
	versions map[string][]string
	levels   map[string]string
	refuses  []string
}

func (m *memory) Versions(_ context.Context, subject string) ([]string, error) {
	return m.versions[subject], nil
}
func (m *memory) Level(_ context.Context, subject string) (string, error) {
	return m.levels[subject], nil
}
func (m *memory) SetLevel(_ context.Context, subject, level string) error {
	m.levels[subject] = level
	return nil
}
func (m *memory) Findings(context.Context, string, Format, string) ([]string, error) {
	return m.refuses, nil
}
func (m *memory) Register(_ context.Context, subject string, _ Format, schema string) error {
	m.versions[subject] = append(m.versions[subject], schema)
	return nil
}

func TestPlan(t *testing.T) {
	t.Parallel()
	m := &memory{versions: map[string][]string{}, levels: map[string]string{"t-value": "BACKWARD"}}
	longer := strings.Replace(base, `["x","y"]`, `["x","y","z"]`, 1)
	apply := func(versions ...string) (texts []string) {
		t.Helper()
		plan, err := Plan(t.Context(), m, []Subject{{"t-value", JSON, versions}})
		if err != nil {
			t.Fatal(err)
		}
		if err := Apply(t.Context(), m, plan, func(c Change) { texts = append(texts, c.Text) }); err != nil {
			t.Fatal(err)
		}
		return texts
	}
	if got := apply(base); !slices.Equal(got,
		[]string{"set the compatibility of t-value from BACKWARD to BACKWARD_TRANSITIVE",
			"register t-value, version 1"}) {
		t.Errorf("the first time: %q", got)
	}
	m.versions["t-value"][0] = strings.ReplaceAll(base, ",", " , ") // a registry may lay it out again
	if got := apply(base); len(got) != 0 {
		t.Errorf("the second time: %q", got)
	}
	if got := apply(base, longer); !slices.Equal(got, []string{"register t-value, version 2"}) {
		t.Errorf("a new version: %q", got)
	}
	if got := apply(base); len(got) != 0 {
		t.Errorf("after a newer txflow: %q", got)
	}
	refused := func(text, want string) {
		t.Helper()
		_, err := Plan(t.Context(), m, []Subject{{"t-value", JSON, []string{text}}})
		if fault.ExitCode(err) != fault.ExitData || !strings.Contains(err.Error(), want) || fault.Hint(err) == "" {
			t.Errorf("exit %d: %v, want %q", fault.ExitCode(err), err, want)
		}
	}
	refused(strings.ReplaceAll(base, "integer", "string"), ".b.c: the type was integer and is string")
	m.refuses = []string{"not here"}
	refused(strings.Replace(base, `"minimum":0`, `"description":"d"`, 1), "not here")
}

// TestAvroFindings has changes of an Avro schema that read what was written before, and changes that do not.
func TestAvroFindings(t *testing.T) {
	t.Parallel()
	record := func(fields string) string { return `{"type":"record","name":"R","fields":[` + fields + `]}` }
	const text, number = `{"name":"a","type":"string"}`, `{"name":"n","type":"int"}`
	for change, c := range map[string]struct {
		before, after string
		fine          bool
	}{
		"nothing": {record(text), record(text), true},
		"a field with a default": {record(text), record(text + `,{"name":"b","type":"string","default":""}`),
			true},
		"a field without a default":   {record(text), record(text + `,{"name":"b","type":"string"}`), false},
		"a field that is gone":        {record(text + "," + number), record(text), true},
		"an int that is a long":       {record(number), record(`{"name":"n","type":"long"}`), true},
		"an int that is a text":       {record(number), record(`{"name":"n","type":"string"}`), false},
		"another name of the record":  {record(text), strings.Replace(record(text), `"R"`, `"S"`, 1), false},
		"a field that may be null":    {record(text), record(`{"name":"a","type":["null","string"]}`), true},
		"a field that may be no more": {record(`{"name":"a","type":["null","string"]}`), record(text), false},
	} {
		found, err := Findings(Avro, c.before, c.after)
		if err != nil || (len(found) == 0) != c.fine {
			t.Errorf("%s: %q, %v", change, found, err)
		}
		checked := Check([]Subject{{Name: "r-value", Format: Avro, Versions: []string{c.before, c.after}}})
		if (checked == nil) != c.fine || checked != nil && fault.ExitCode(checked) != fault.ExitData {
			t.Errorf("%s: %v", change, checked)
		}
	}
	if _, err := Findings(Avro, record(text), "{}"); err == nil {
		t.Error("what is no schema has findings")
	}
}
