package migrations_test

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/txflow/txflow/internal/transaction"
)

// nothing reports whether a message holds no row at all.
func nothing(m []byte) bool {
	text := strings.Trim(string(m), " \t\r\n")
	return text == "" || text == "[]"
}

// plain is a value as ClickHouse's text columns read it; false for what has no one form.
func plain(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, !strings.Contains(v, "\ufffd")
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// same compares a stored value with the message's.
func same(name, stored, want string) bool {
	switch name {
	case "amount":
		whole, fraction, _ := strings.Cut(want, ".")
		want = whole + "." + (fraction + "0000")[:4]
		return stored == want || strings.TrimPrefix(want, "-") == "0.0000" && stored == "0.0000" ||
			trimZeros(stored) == trimZeros(want)
	case "id":
		want = strings.ToLower(want)
	case "position", "content_hash", "attempt", "replays", "partition":
		want = plainNumber(want)
	}
	return stored == want
}

// plainNumber is a number without a plus sign, which a text may have.
func plainNumber(s string) string { return strings.TrimPrefix(s, "+") }

// trimZeros drops zeros in front: a message may have them.
func trimZeros(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	return sign + strings.TrimLeft(s, "0")
}

func fixed(a transaction.Amount) string {
	whole, fraction, _ := strings.Cut(a.String(), ".")
	return whole + "." + (fraction + "0000")[:4]
}

func show(s *string) string {
	if s == nil {
		return "NULL"
	}
	return *s
}

func describe(row map[string]*string) (out []string) {
	for name, value := range row {
		out = append(out, name+"="+show(value))
	}
	return out
}
