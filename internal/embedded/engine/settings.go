package engine

import (
	"slices"
	"strings"
)

// Settings are ClickHouse settings by name, for one statement.
type Settings map[string]string

// names are in the order in which they can be set: after readonly no other can.
func (s Settings) names() []string {
	names := make([]string, 0, len(s))
	for name := range s {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if (a == readonly) != (b == readonly) {
			if a == readonly {
				return 1
			}
			return -1
		}
		return strings.Compare(a, b)
	})
	return names
}

const readonly = "readonly"

var literalEscapes = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

// Literal writes s as a string of SQL.
func Literal(s string) string { return "'" + literalEscapes.Replace(s) + "'" }

// Quote writes s as an identifier of SQL.
func Quote(s string) string {
	return "`" + strings.NewReplacer(`\`, `\\`, "`", "\\`").Replace(s) + "`"
}
