package message

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/txflow/txflow/internal/transaction"
)

// TestOnlyTheContractsFields refuses what encoding/json takes: amounts from other fields, fields that nobody reads, the
// last of two values, changed text.
func TestOnlyTheContractsFields(t *testing.T) {
	t.Parallel()
	with := func(more string) string { return strings.TrimSuffix(good, "}") + more + "}" }
	id := transaction.DeriveID("bank", []byte("17"))
	for _, c := range []struct {
		text  string
		want  transaction.Violation
		known bool // whose message it is
	}{
		{with(`,"AMOUNT":-5`), transaction.Violation{Code: transaction.CodeUnknownField}, true},
		{strings.Replace(good, `"amount"`, `"Amount"`, 1), transaction.Violation{Code: transaction.CodeUnknownField}, true},
		{with(`,"currency":"USD"`), transaction.Violation{Code: transaction.CodeUnknownField}, true},
		{with(`,"nested":{"a":[1,{"a":2,"a":3}]}`), transaction.Violation{Code: transaction.CodeUnknownField}, true},
		{with(`,"amount":-5`), transaction.Violation{Code: transaction.CodeDuplicateField, Column: "amount"}, true},
		{with(`,"\u0061mount":-5`), transaction.Violation{Code: transaction.CodeDuplicateField, Column: "amount"}, true},
		{with(`,"amount":-952.4`), transaction.Violation{Code: transaction.CodeDuplicateField, Column: "amount"}, true},
		{with(`,"id":18`), transaction.Violation{Code: transaction.CodeDuplicateField, Column: "id"}, false},
		{with(`,"source":"bank"`), transaction.Violation{Code: transaction.CodeDuplicateField, Column: "source"}, false},
		{strings.Replace(good, "EDF", `a\ud800b`, 1), transaction.Violation{Code: transaction.CodeSurrogate,
			Column: "description"}, false},
		{strings.Replace(good, "EDF", `\udc00\ud83d`, 1), transaction.Violation{Code: transaction.CodeSurrogate,
			Column: "description"}, false},
		{with(`,"\ud800":1`), transaction.Violation{Code: transaction.CodeSurrogate}, false},
		{strings.Replace(good, "EDF", `a\ud800b`, 1) + "}", transaction.Violation{Code: transaction.CodeMessage}, false},
		{strings.Replace(good, `"bank"`, `"b\u0000k"`, 1), transaction.Violation{Code: transaction.CodeControl,
			Column: "source"}, false},
		{strings.Replace(good, `"bank"`, "\"b\u0085k\"", 1), transaction.Violation{Code: transaction.CodeControl,
			Column: "source"}, false},
		{strings.Replace(good, `"bank"`, `"`+strings.Repeat("b", 257)+`"`, 1),
			transaction.Violation{Code: transaction.CodeTooLong, Column: "source"}, false},
		{strings.Replace(good, `"bank"`, `7`, 1), transaction.Violation{Code: transaction.CodeMessage, Column: "source"},
			false},
		{strings.Replace(good, `"refund"`, `true`, 1), transaction.Violation{Code: transaction.CodeMessage,
			Column: "operation_type"}, true},
		{good + good, transaction.Violation{Code: transaction.CodeMessage}, false},
		{strings.Replace(good, "EDF", `\ud83d\ude00 \ufffd`, 1), transaction.Violation{}, true},
		{strings.Replace(good, `"bank"`, `"b\u0061nk"`, 1), transaction.Violation{}, true},
	} {
		var p Parsed
		if got := parser().Parse([]byte(c.text), &p); got != c.want {
			t.Errorf("%s gives %+v, want %+v", c.text, got, c.want)
		}
		if known := p.Transaction.ID == id && p.Transaction.SourceID == "17" && p.Source == "bank"; known != c.known ||
			!c.known && p.Transaction.SourceID != "" {
			t.Errorf("%s: its id is %q of %q", c.text, p.Transaction.SourceID, p.Source)
		}
		if c.want.Code != transaction.CodeOK && (c.want.Code.Message() == "" || p.ContentHash != 0 ||
			p.Transaction.Amount != 0) {
			t.Errorf("%s: %q %+v", c.text, c.want.Code.Message(), p)
		}
	}
}

// oracle reads a message by encoding/json: names are compared exactly, each once.
func oracle(value []byte) (fields transaction.Fields, source []byte, ok bool) {
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	if t, err := decoder.Token(); err != nil || t != json.Delim('{') {
		return fields, nil, false
	}
	seen := map[int]bool{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return fields, nil, false
		}
		value, err := decoder.Token()
		if err != nil {
			return fields, nil, false
		}
		text, _ := name.(string)
		column := columnOf([]byte(text))
		if column < 0 || seen[column] {
			return fields, nil, false
		}
		seen[column] = true
		var field []byte
		switch v := value.(type) {
		case nil:
		case string:
			field = []byte(v)
		case json.Number:
			if column != transaction.ColID && column != transaction.ColAmount {
				return fields, nil, false
			}
			field = []byte(v)
		default:
			return fields, nil, false
		}
		if column == columnSource {
			source = field
		} else {
			fields[column] = field
		}
	}
	if _, err := decoder.Token(); err != nil {
		return fields, nil, false
	}
	_, err := decoder.Token()
	return fields, source, err == io.EOF
}

// FuzzParse takes any message. The reader by hand, the one by a library, and encoding/json with its laxness removed
// agree; what is accepted is written and read again as the same.
func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(`{ "source" : "s", "id":0.5 , "merchant":"é\\u00e9" }`))
	f.Add([]byte(`{"id":"x","amount":"0.1","timestamp":"2024-02-29 00:00:00","merchant":null,"operation_type":"a ` +
		`b","side":"CREDIT"}`))
	f.Add([]byte(`{"id":1,"ID":2,"amount":1e3,"Amount":"2"}`))
	f.Add([]byte(`{"id":"\ud800","id":{},"x":[1,2]} `))
	f.Add([]byte(`{"\u0069d":"\ud83d\ude00","amount":-0,"side":null}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		var quick, slow transaction.Fields
		var quickSource, slowSource []byte
		taken := utf8.Valid(value) && scan(value, &quick, &quickSource)
		var r reader
		v := transaction.Violation{Code: transaction.CodeUTF8}
		if utf8.Valid(value) {
			v = r.read(value, &slow, &slowSource)
		}
		if taken && (v.Code != transaction.CodeOK || !same(quick, quickSource, slow, slowSource)) {
			t.Fatalf("%q by hand is %q %q, by the library %q %q %+v", value, quick, quickSource, slow, slowSource, v)
		}
		if fields, source, ok := oracle(value); utf8.Valid(value) && v.Code != transaction.CodeSurrogate &&
			(ok != (v.Code == transaction.CodeOK) || ok && !same(fields, source, slow, slowSource)) {
			t.Fatalf("%q is %q %q %+v, encoding/json says %v %q %q", value, slow, slowSource, v, ok, fields, source)
		}
		var p, q Parsed
		if parser().Parse(value, &p).Code != transaction.CodeOK {
			return
		}
		again := AppendRaw(nil, &p.Transaction, p.Source)
		if v := parser().Parse(again, &q); v.Code != transaction.CodeOK || q != p {
			t.Fatalf("%q became %q: %+v %+v, want %+v", value, again, v, q, p)
		}
	})
}

func same(a transaction.Fields, aSource []byte, b transaction.Fields, bSource []byte) bool {
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return bytes.Equal(aSource, bSource)
}
