package client

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/txflow/txflow/internal/prediction"
)

// isProblem reports whether a body is the contract's error: an object whose detail is a text or a list of complaints,
// each an object. Proxies and other services answer in other forms, and what they say concerns no transaction.
func isProblem(body []byte) bool {
	var problem struct {
		Detail json.RawMessage `json:"detail"`
	}
	if json.Unmarshal(body, &problem) != nil || len(problem.Detail) == 0 {
		return false
	}
	var text string
	var complaints []struct{}
	return json.Unmarshal(problem.Detail, &text) == nil && text != "" ||
		json.Unmarshal(problem.Detail, &complaints) == nil && len(complaints) > 0
}

// maxRefusal bounds the API's words in a dead letter, in bytes.
const maxRefusal = 2 << 10

// newRefusal keeps the API's words, cut at a character.
func newRefusal(status int, body []byte) *prediction.Refusal {
	text := strings.ToValidUTF8(strings.TrimSpace(string(body)), "\ufffd")
	if len(text) > maxRefusal {
		const more = "…"
		end := maxRefusal - len(more)
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end] + more
	}
	return &prediction.Refusal{Status: status, Message: text}
}

// blamedItems returns the items of a batch of n that a refusal in FastAPI's form names: {"detail": [{"loc": ["body", 3,
// "amount"]}]}, ascending. It returns nil unless every complaint names one, and is a hint only: each is asked alone.
func blamedItems(body []byte, n int) []int {
	var refusal struct {
		Detail []struct {
			Loc []any `json:"loc"`
		} `json:"detail"`
	}
	if json.Unmarshal(body, &refusal) != nil {
		return nil
	}
	blamed := make([]int, 0, len(refusal.Detail))
	for _, d := range refusal.Detail {
		if len(d.Loc) < 2 || d.Loc[0] != "body" {
			return nil
		}
		i, ok := d.Loc[1].(float64)
		if !ok || i != float64(int(i)) || i < 0 || int(i) >= n {
			return nil
		}
		blamed = append(blamed, int(i))
	}
	slices.Sort(blamed)
	return slices.Compact(blamed)
}
