package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/txflow/txflow/internal/transaction"
)

// complaint is one fault of a request, in FastAPI's form, and where it is as a JSON pointer (RFC 6901). It never
// repeats a value of the request.
type complaint struct {
	Type    string `json:"type"`
	Loc     []any  `json:"loc"`
	Msg     string `json:"msg"`
	Pointer string `json:"pointer"`
}

// maxComplaints bounds an answer: what is wrong a thousand times is reported a hundred times.
const maxComplaints = 100

// validate is the slow path: it reads any JSON with the standard library and returns the ids, or what is wrong.
func validate(ids []transaction.ID, body []byte, maxItems int) ([]transaction.ID, []complaint) {
	if c := checkJSON(body); c != nil {
		return ids, []complaint{*c}
	}
	if bytes.TrimLeft(body, " \t\r\n")[0] != '[' {
		return ids, []complaint{{Type: "list_type", Loc: []any{"body"}, Msg: "Input should be a valid list"}}
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	_, _ = dec.Token() // the bracket; the whole body is known to be valid
	var complaints []complaint
	for i := 0; dec.More(); i++ {
		if i >= maxItems {
			return ids, []complaint{{Type: "too_long", Loc: []any{"body"},
				Msg: fmt.Sprintf("List should have at most %d items after validation, not more", maxItems)}}
		}
		var raw json.RawMessage
		_ = dec.Decode(&raw) // valid as well
		id, faults := validateItem(i, raw)
		ids = append(ids, id)
		if len(complaints) < maxComplaints {
			complaints = append(complaints, faults...)
		}
	}
	return ids, complaints
}

// checkJSON returns a complaint unless the body is one valid JSON text in UTF-8.
func checkJSON(body []byte) *complaint {
	at, msg := int64(0), "the body is not valid UTF-8"
	if utf8.Valid(body) {
		var whole json.RawMessage
		err := json.Unmarshal(body, &whole)
		if err == nil {
			return nil
		}
		msg = "the body ends before the JSON does"
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			at, msg = syntax.Offset, syntax.Error()
		}
	}
	return &complaint{Type: "json_invalid", Loc: []any{"body", at}, Msg: "JSON decode error: " + msg}
}

// field is one field of the contract and its check, which returns the type and message of the fault ("" for none).
type field struct {
	name     string
	required bool
	check    func(raw json.RawMessage) (kind, msg string)
}

var fields = [...]field{
	{"id", true, checkID},
	{"description", true, checkText},
	{"amount", true, checkAmount},
	{"timestamp", true, checkTimestamp},
	{"merchant", false, checkOptionalText},
	{"operation_type", true, checkText},
	{"side", true, checkSide},
}

// validateItem checks the i-th item, which is valid JSON.
func validateItem(i int, raw json.RawMessage) (id transaction.ID, faults []complaint) {
	values, ok := fieldsOf(raw)
	if !ok {
		return id, []complaint{{Type: "model_attributes_type", Loc: []any{"body", i}, Pointer: "/" + strconv.Itoa(i),
			Msg: "Input should be a valid dictionary or object to extract fields from"}}
	}
	for n := range fields {
		kind, msg := "", ""
		switch {
		case values[n] != nil:
			kind, msg = fields[n].check(values[n])
		case fields[n].required:
			kind, msg = "missing", "Field required"
		}
		if kind != "" {
			faults = append(faults, complaint{Type: kind, Loc: []any{"body", i, fields[n].name}, Msg: msg,
				Pointer: "/" + strconv.Itoa(i) + "/" + fields[n].name})
		}
	}
	if len(faults) == 0 {
		text, _ := textOf(values[0])
		id, _ = parseID(text)
	}
	return id, faults
}

// fieldsOf returns the values of the known fields of an object; of a key that occurs twice the last counts, as in
// Python.
func fieldsOf(raw json.RawMessage) (values [len(fields)]json.RawMessage, ok bool) {
	if raw[0] != '{' {
		return values, false
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	_, _ = dec.Token()
	for dec.More() {
		key, _ := dec.Token()
		var value json.RawMessage
		_ = dec.Decode(&value)
		for n := range fields {
			if fields[n].name == key {
				values[n] = value
			}
		}
	}
	return values, true
}

func textOf(raw json.RawMessage) (text string, ok bool) {
	if raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
		return "", false
	}
	return text, true
}

func checkID(raw json.RawMessage) (kind, msg string) {
	text, ok := textOf(raw)
	if !ok {
		return "uuid_type", "UUID input should be a string"
	}
	if _, ok = parseID(text); !ok {
		return "uuid_parsing", "Input should be a valid UUID"
	}
	return "", ""
}

func checkText(raw json.RawMessage) (kind, msg string) {
	if _, ok := textOf(raw); !ok {
		return "string_type", "Input should be a valid string"
	}
	return "", ""
}

func checkOptionalText(raw json.RawMessage) (kind, msg string) {
	if string(raw) == "null" {
		return "", ""
	}
	return checkText(raw)
}

func checkAmount(raw json.RawMessage) (kind, msg string) {
	if raw[0] != '-' && !isDigit(raw[0]) {
		return "float_type", "Input should be a valid number"
	}
	return "", ""
}

func checkTimestamp(raw json.RawMessage) (kind, msg string) {
	text, ok := textOf(raw)
	if !ok {
		return "datetime_type", "Input should be a valid datetime"
	}
	if !isISO8601([]byte(text)) {
		return "datetime_parsing", "Input should be a valid datetime, in ISO 8601"
	}
	return "", ""
}

func checkSide(raw json.RawMessage) (kind, msg string) {
	if text, _ := textOf(raw); text != "debit" && text != "credit" {
		return "literal_error", "Input should be 'debit' or 'credit'"
	}
	return "", ""
}

// parseID reads a UUID as the original service does: canonical, 32 digits, in braces, or as a URN.
func parseID(text string) (transaction.ID, bool) {
	b := []byte(text)
	switch {
	case len(b) == 32:
		b = bytes.Join([][]byte{b[:8], b[8:12], b[12:16], b[16:20], b[20:]}, []byte("-"))
	case len(b) == 38 && b[0] == '{' && b[37] == '}':
		b = b[1:37]
	case len(b) == 45 && string(b[:9]) == "urn:uuid:":
		b = b[9:]
	}
	return transaction.ParseUUID(b)
}
