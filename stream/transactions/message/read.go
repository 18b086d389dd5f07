package message

import (
	"bytes"
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/txflow/txflow/internal/transaction"
)

// reader reads raw messages of any form by a JSON library: exact names, no unknown or repeated field, no lone
// surrogate. encoding/json is laxer in all four, and would take an amount from a field "AMOUNT".
type reader struct {
	decoder jsontext.Decoder
	input   bytes.Buffer
}

// read fills in what it can of a message in valid UTF-8 and returns the first rule of its form that it breaks. Of a
// message that is no JSON it returns no fields. The fields do not alias the message.
func (r *reader) read(value []byte, fields *transaction.Fields, source *[]byte) transaction.Violation {
	r.input = *bytes.NewBuffer(value)
	r.decoder.Reset(&r.input, jsontext.AllowDuplicateNames(true)) // they have a code of their own
	v, err := r.object(make([]byte, 0, len(value)), fields, source)
	if err == nil {
		return v
	}
	*fields, *source = transaction.Fields{}, nil
	// The message is valid UTF-8, so all that is wrong with what is valid JSON otherwise is an escape like \ud800 alone.
	repeats, surrogates := jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)
	if !errors.Is(err, errNoObject) && jsontext.Value(value).IsValid(repeats, surrogates) {
		return transaction.Violation{Code: transaction.CodeSurrogate, Column: v.Column}
	}
	return transaction.Violation{Code: transaction.CodeMessage}
}

var errNoObject = errors.New("the message is not one JSON object")

// object reads the message; arena holds its texts and is as large as it. The violation that comes with an error says in
// which column it is.
func (r *reader) object(arena []byte, fields *transaction.Fields, source *[]byte) (
	first transaction.Violation, err error,
) {
	violation := func(code transaction.Code, column string) {
		if first.Code == transaction.CodeOK {
			first = transaction.Violation{Code: code, Column: column}
		}
	}
	unquoted := func(quoted jsontext.Value) (text []byte, err error) {
		start := len(arena)
		arena, err = jsontext.AppendUnquote(arena, quoted)
		return arena[start:len(arena):len(arena)], err
	}
	if t, err := r.decoder.ReadToken(); err != nil || t.Kind() != '{' {
		return transaction.Violation{}, errors.Join(err, errNoObject)
	}
	for seen := 0; r.decoder.PeekKind() == '"'; {
		quoted, err := r.decoder.ReadValue()
		if err != nil {
			return transaction.Violation{}, err
		}
		name, err := unquoted(quoted)
		if err != nil {
			return transaction.Violation{}, err
		}
		column := columnOf(name)
		arena = arena[:len(arena)-len(name)] // names are no longer needed
		if column < 0 {
			violation(transaction.CodeUnknownField, "")
			if err := r.decoder.SkipValue(); err != nil {
				return transaction.Violation{}, err
			}
			continue
		}
		if seen&(1<<column) != 0 {
			violation(transaction.CodeDuplicateField, columnName(column))
		}
		seen |= 1 << column
		value, err := r.decoder.ReadValue()
		if err != nil {
			return transaction.Violation{Column: columnName(column)}, err
		}
		text := []byte(nil)
		switch kind := value.Kind(); {
		case kind == '"':
			if text, err = unquoted(value); err != nil {
				return transaction.Violation{}, err
			}
		case kind == '0' && (column == transaction.ColID || column == transaction.ColAmount):
			text = bytes.Clone(value)
		case kind != 'n':
			violation(transaction.CodeMessage, columnName(column))
		}
		if column == columnSource {
			*source = text
		} else {
			fields[column] = text
		}
	}
	if t, err := r.decoder.ReadToken(); err != nil || t.Kind() != '}' {
		return transaction.Violation{}, errors.Join(err, errNoObject)
	}
	if _, err := r.decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return transaction.Violation{}, errNoObject
	}
	return first, nil
}

func columnName(column int) string {
	if column == columnSource {
		return "source"
	}
	return transaction.Columns[column]
}
