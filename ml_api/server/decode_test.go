package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/transaction"
)

const (
	exampleID   = "b9fa6684-502b-4695-8f92-247432ba610d"
	exampleItem = `{"id":"` + exampleID +
		`","description":"Weekly grocery","amount":100,"timestamp":"2023-04-15T14:30:00",` +
		`"merchant":"Whole Foods","operation_type":"card_payment","side":"credit"}`
)

// with replaces a part of the example and makes an array of it.
func with(old, replacement string) string {
	if !strings.Contains(exampleItem, old) {
		panic("the example holds no " + old)
	}
	return "[" + strings.Replace(exampleItem, old, replacement, 1) + "]"
}

// bodies are requests and whether they are valid: "" or the first complaint, as type at pointer.
var bodies = []struct{ body, want string }{
	{`[]`, ""},
	{" [ ] \n", ""},
	{with(`100`, `100`), ""},
	{with(`"amount":100`, "\"amount\" :\t-1.25e+3 \r\n"), ""},
	{with(`"Whole Foods"`, `null`), ""},
	{with(`"merchant":"Whole Foods",`, ``), ""},
	{with(`"side":"credit"`, `"side":"debit","extra":{"a":[1,{}]}`), ""},
	{with(`"amount":100`, `"amount":"x","amount":1`), ""},
	{with(`Weekly`, `\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00 é 😀 `+"\u2028\x7f"), ""},
	{with(`Weekly grocery`, ``), ""},
	{with(`2023-04-15T14:30:00`, `2023-04-15 14:30:00.123456+02:00`), ""},
	{with(`2023-04-15T14:30:00`, `2023-04-15T14:30:00Z`), ""},
	{with(`2023-04-15T14:30:00`, `2024-02-29`), ""},
	{with(exampleID, strings.ToUpper(exampleID)), ""},
	{with(exampleID, strings.ReplaceAll(exampleID, "-", "")), ""},
	{with(exampleID, "{"+exampleID+"}"), ""},
	{with(exampleID, "urn:uuid:"+exampleID), ""},
	{with(`"id"`, `"\u0069d"`), ""},
	{"[" + exampleItem + " , " + exampleItem + "]", ""},

	{``, "json_invalid at "},
	{`[`, "json_invalid at "},
	{`[` + exampleItem, "json_invalid at "},
	{`[` + exampleItem + `,]`, "json_invalid at "},
	{`[` + exampleItem + `] x`, "json_invalid at "},
	{with(`100`, `NaN`), "json_invalid at "},
	{with(`100`, `01`), "json_invalid at "},
	{with(`100`, `1.`), "json_invalid at "},
	{with(`100`, `+1`), "json_invalid at "},
	{with(`100`, `1e`), "json_invalid at "},
	{with(`Weekly`, `\x`), "json_invalid at "},
	{with(`Weekly`, `\u12g4`), "json_invalid at "},
	{with(`Weekly`, "\x01"), "json_invalid at "},
	{with(`Weekly`, "\xff\xfe"), "json_invalid at "},
	{with(`Weekly`, `\ud800`), "json_invalid at "},
	{with(`Weekly`, "\xed\xa0\x80"), "json_invalid at "},
	{`{}`, "list_type at "},
	{`null`, "list_type at "},
	{`[1]`, "model_attributes_type at /0"},
	{`[null]`, "model_attributes_type at /0"},
	{`[[]]`, "model_attributes_type at /0"},
	{`[{}]`, "missing at /0/id"},
	{with(`"id":"`+exampleID+`",`, ``), "missing at /0/id"},
	{with(exampleID, "1"), "uuid_parsing at /0/id"},
	{with(`"`+exampleID+`"`, "1"), "uuid_type at /0/id"},
	{with(exampleID, "g"+exampleID[1:]), "uuid_parsing at /0/id"},
	{with(`"Weekly grocery"`, `null`), "string_type at /0/description"},
	{with(`100`, `"100"`), "float_type at /0/amount"},
	{with(`100`, `true`), "float_type at /0/amount"},
	{with(`100`, `null`), "float_type at /0/amount"},
	{with(`"2023-04-15T14:30:00"`, `1681569000`), "datetime_type at /0/timestamp"},
	{with(`2023-04-15T14:30:00`, `15/04/2023`), "datetime_parsing at /0/timestamp"},
	{with(`2023-04-15T14:30:00`, `2023-02-29T14:30:00`), "datetime_parsing at /0/timestamp"},
	{with(`2023-04-15T14:30:00`, `2023-04-15T24:30:00`), "datetime_parsing at /0/timestamp"},
	{with(`2023-04-15T14:30:00`, `2023-04-15T14:30:00+25:00`), "datetime_parsing at /0/timestamp"},
	{with(`"Whole Foods"`, `7`), "string_type at /0/merchant"},
	{with(`"card_payment"`, `{}`), "string_type at /0/operation_type"},
	{with(`"credit"`, `"CREDIT"`), "literal_error at /0/side"},
	{with(`"credit"`, `"creditx"`), "literal_error at /0/side"},
	{with(`"side"`, `"Side"`), "missing at /0/side"},
	{"[" + exampleItem + `,{"id":1}]`, "uuid_type at /1/id"},
	{"[" + strings.Repeat(exampleItem+",", 5) + exampleItem + "]", "too_long at "},
}

const bodiesMaxItems = 5

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, c := range bodies {
		_, complaints := decode(nil, []byte(c.body), bodiesMaxItems)
		got := ""
		if len(complaints) > 0 {
			got = fmt.Sprintf("%s at %s", complaints[0].Type, complaints[0].Pointer)
		}
		if got != c.want {
			t.Errorf("%.300s\n got %q, want %q", c.body, got, c.want)
		}
		agree(t, []byte(c.body), bodiesMaxItems)
	}
}

// Of many faults the first are named, each with its own field; none repeats what the request says.
func TestComplaints(t *testing.T) {
	t.Parallel()
	_, complaints := decode(nil, []byte("["+exampleItem+`,{"id":"SECRET","amount":"SECRET","SECRET":1,"side":null}]`), 5)
	var got []string
	for _, c := range complaints {
		got = append(got, c.Type+" at "+c.Pointer)
		if text := fmt.Sprint(c); strings.Contains(text, "SECRET") {
			t.Errorf("a value is repeated: %s", text)
		}
	}
	if want := "uuid_parsing at /1/id, missing at /1/description, float_type at /1/amount, missing at /1/timestamp, " +
		"missing at /1/operation_type, literal_error at /1/side"; strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
	if _, complaints := decode(nil, []byte("["+strings.Repeat("{},", 999)+"{}]"), 1000); len(complaints) < maxComplaints ||
		len(complaints) > maxComplaints+len(fields) {
		t.Errorf("%d complaints", len(complaints))
	}
	_, complaints = decode(nil, []byte(`[{"SECRET":{"SECRET":SECRET}}]`), 5)
	if text := fmt.Sprint(complaints); len(complaints) != 1 || strings.Contains(text, "SECRET") {
		t.Errorf("%s", text)
	}
}

// agree checks that what is accepted is what encoding/json takes for JSON, with the same ids.
func agree(t *testing.T, body []byte, maxItems int) {
	t.Helper()
	got, complaints := decode(nil, body, maxItems)
	if len(complaints) > 0 {
		return
	}
	var items []map[string]json.RawMessage // names in their exact letter case; of two the last counts
	if err := json.Unmarshal(body, &items); err != nil {
		t.Fatalf("accepted, and no JSON: %v: %q", err, body)
	}
	var want []transaction.ID
	for _, item := range items {
		var text string
		if err := json.Unmarshal(item["id"], &text); err != nil {
			t.Fatalf("accepted with an id that is none: %q", body)
		}
		id, _ := parseID([]byte(text))
		want = append(want, id)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v: %q", got, want, body)
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range bodies {
		f.Add([]byte(c.body))
	}
	f.Fuzz(func(t *testing.T, body []byte) { agree(t, body, bodiesMaxItems) })
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	enc, err := newEncoder(transaction.DefaultCategories, `v"1`, 1)
	if err != nil {
		t.Fatal(err)
	}
	id, _ := transaction.ParseUUID([]byte(exampleID))
	got := enc.append(nil, &id, true)
	// the one after Transportation
	want := `{"transaction_id":"` + exampleID + `","category":"Utilities","model_version":"v\"1"}`
	if !bytes.Equal(got, []byte(want)) {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
