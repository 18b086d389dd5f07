package server

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/txflow/txflow/internal/transaction"
)

// flaw is what is wrong with a field; it is empty for nothing.
type flaw struct{ kind, msg string }

// field is one field of the contract and its check. That of the id reads it, too.
type field struct {
	name     string
	required bool
	check    func(value jsontext.Value, id *transaction.ID) flaw
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

// absent are the faults of an object without any field.
var absent = func() (faults [len(fields)]flaw) {
	for n := range fields {
		if fields[n].required {
			faults[n] = flaw{"missing", "Field required"}
		}
	}
	return faults
}()

// fieldOf returns the index of the field with a name, which is quoted as in the request; -1 for none.
func fieldOf(quoted jsontext.Value) int {
	switch string(unquote(quoted)) {
	case "id":
		return 0
	case "description":
		return 1
	case "amount":
		return 2
	case "timestamp":
		return 3
	case "merchant":
		return 4
	case "operation_type":
		return 5
	case "side":
		return 6
	}
	return -1
}

// unquote returns the text of a valid JSON string, in place where it has no escapes.
func unquote(quoted jsontext.Value) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	text, _ := jsontext.AppendUnquote(nil, quoted) // it is valid
	return text
}

func checkID(value jsontext.Value, id *transaction.ID) flaw {
	if value.Kind() != '"' {
		return flaw{"uuid_type", "UUID input should be a string"}
	}
	var ok bool
	if *id, ok = parseID(unquote(value)); !ok {
		return flaw{"uuid_parsing", "Input should be a valid UUID"}
	}
	return flaw{}
}

func checkText(value jsontext.Value, _ *transaction.ID) flaw {
	if value.Kind() != '"' {
		return flaw{"string_type", "Input should be a valid string"}
	}
	return flaw{}
}

func checkOptionalText(value jsontext.Value, id *transaction.ID) flaw {
	if value.Kind() == 'n' {
		return flaw{}
	}
	return checkText(value, id)
}

func checkAmount(value jsontext.Value, _ *transaction.ID) flaw {
	if value.Kind() != '0' {
		return flaw{"float_type", "Input should be a valid number"}
	}
	return flaw{}
}

func checkTimestamp(value jsontext.Value, _ *transaction.ID) flaw {
	if value.Kind() != '"' {
		return flaw{"datetime_type", "Input should be a valid datetime"}
	}
	if !isISO8601(unquote(value)) {
		return flaw{"datetime_parsing", "Input should be a valid datetime, in ISO 8601"}
	}
	return flaw{}
}

func checkSide(value jsontext.Value, _ *transaction.ID) flaw {
	if value.Kind() == '"' {
		if text := string(unquote(value)); text == "debit" || text == "credit" {
			return flaw{}
		}
	}
	return flaw{"literal_error", "Input should be 'debit' or 'credit'"}
}

// parseID reads a UUID as the original service does: canonical, 32 digits, in braces, or as a URN.
func parseID(b []byte) (transaction.ID, bool) {
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
