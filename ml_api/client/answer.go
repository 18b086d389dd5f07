package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/txflow/txflow/internal/jsontext"
	"github.com/txflow/txflow/internal/transaction"
)

// answer is one element of the API's answer.
type answer struct {
	id       transaction.ID
	category transaction.Category
}

// badAnswer is an answer with status 200 that can not be believed. It never holds values of the answer's items.
type badAnswer struct{ reason string }

func (e *badAnswer) Error() string { return "the ML API's answer can not be used: " + e.reason }

func badAnswerf(format string, args ...any) error {
	return &badAnswer{reason: fmt.Sprintf(format, args...)}
}

// unknownCategory is an answer with a category that is not configured: one side has the wrong list.
type unknownCategory struct {
	item  int
	name  string
	known int
}

func (e *unknownCategory) Error() string {
	if _, ok := transaction.ParseCategory(e.name); !ok {
		return fmt.Sprintf("the category of its item %d, of %d bytes, is no name of one", e.item, len(e.name))
	}
	return fmt.Sprintf("the category %q of its item %d is not among the %d configured", e.name, e.item, e.known)
}

// errShape says that the fast scanner met something unusual, which need not be wrong.
var errShape = errors.New("not the usual shape")

// parseAnswers reads the body of an answer after answers, and the model that all of it names ("" for none).
func parseAnswers(answers []answer, body []byte, known *transaction.Categories) ([]answer, string, error) {
	got, model, err := scanAnswers(answers, body, known)
	if errors.Is(err, errShape) {
		return decodeAnswers(answers[:0], body, known)
	}
	return got, model, err
}

const (
	answerID       = `{"transaction_id":"`
	answerCategory = `","category":"`
	answerModel    = `","model_version":"`
)

// scanAnswers reads what the API usually writes: no spaces, this order of keys, no escapes. The model of all items must
// be the same bytes; the first one's are compared. It is by hand since it takes a tenth of the time of encoding/json,
// which reads all else (BenchmarkLibraries).
func scanAnswers(answers []answer, body []byte, known *transaction.Categories) ([]answer, string, error) {
	if len(body) < 2 || body[0] != '[' {
		return nil, "", errShape
	}
	var model []byte
	rest := body[1:]
	for first := true; ; first = false {
		const head = len(answerID) + 36 + len(answerCategory)
		if len(rest) < head || string(rest[:len(answerID)]) != answerID ||
			string(rest[head-len(answerCategory):head]) != answerCategory {
			return nil, "", errShape
		}
		id, ok := transaction.ParseUUID(rest[len(answerID) : len(answerID)+36])
		if !ok {
			return nil, "", errShape
		}
		rest = rest[head:]
		end := bytes.IndexByte(rest, '"')
		if end < 0 {
			return nil, "", errShape
		}
		category, ok := known.Parse(rest[:end])
		if !ok {
			return nil, "", errShape
		}
		answers = append(answers, answer{id: id, category: category})
		rest = rest[end:]
		var named []byte
		if len(rest) > len(answerModel) && string(rest[:len(answerModel)]) == answerModel {
			rest = rest[len(answerModel):]
			if end = bytes.IndexByte(rest, '"'); end < 0 || !plainText(rest[:end]) {
				return nil, "", errShape
			}
			named, rest = rest[:end], rest[end:]
		}
		if first {
			model = named
		} else if string(named) != string(model) {
			return nil, "", errShape
		}
		if len(rest) < 3 || rest[1] != '}' {
			return nil, "", errShape
		}
		switch {
		case rest[2] == ',':
			rest = rest[3:]
		case rest[2] == ']' && len(rest) == 3:
			return answers, string(model), nil
		default:
			return nil, "", errShape
		}
	}
}

func plainText(b []byte) bool {
	for _, c := range b {
		if !jsontext.Plain(c) {
			return false
		}
	}
	return true
}

// decodeAnswers reads any valid JSON and says what is wrong with what is not an answer.
func decodeAnswers(answers []answer, body []byte, known *transaction.Categories) ([]answer, string, error) {
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '[' {
		if len(trimmed) > 0 && trimmed[0] == '<' {
			return nil, "", badAnswerf("it is HTML, not JSON")
		}
		return nil, "", badAnswerf("it is not a JSON array")
	}
	var items []*struct {
		ID       *string `json:"transaction_id"`
		Category *string `json:"category"`
		Model    *string `json:"model_version"`
	}
	if err := json.Unmarshal(body, &items); err != nil {
		return nil, "", badAnswerf("it is cut off or not valid JSON of the contract's shape (%d bytes)", len(body))
	}
	var model string
	for i, item := range items {
		if item == nil || item.ID == nil || item.Category == nil {
			return nil, "", badAnswerf("its item %d has no transaction_id or no category", i)
		}
		id, ok := transaction.ParseUUID([]byte(*item.ID))
		if !ok {
			return nil, "", badAnswerf("the transaction_id of its item %d is not a UUID", i)
		}
		category, ok := known.Parse([]byte(*item.Category))
		if !ok {
			return nil, "", &unknownCategory{item: i, name: *item.Category, known: known.Len()}
		}
		named := ""
		if item.Model != nil {
			named = *item.Model
		}
		if i > 0 && named != model {
			return nil, "", badAnswerf("its items name different models")
		}
		model = named
		answers = append(answers, answer{id: id, category: category})
	}
	return answers, model, nil
}
