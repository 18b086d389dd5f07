package engine

import (
	"regexp"
	"slices"
	"strings"
)

// Settings are ClickHouse settings by name, for one statement.
type Settings map[string]string

func (s Settings) names() []string {
	names := make([]string, 0, len(s))
	for name := range s {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// change is what a statement does to its connection.
type change struct {
	database bool
	settings []string
}

var (
	useStatement = regexp.MustCompile(`(?is)^\s*USE\b`)
	setStatement = regexp.MustCompile(`(?is)^\s*SET\s+(.*)$`)
	settingName  = regexp.MustCompile(`(?s)(?:^|,)\s*([A-Za-z_][A-Za-z0-9_]*)\s*=`)
)

func (s Settings) changedBy(sql string) (c change) {
	c.database = useStatement.MatchString(sql)
	if m := setStatement.FindStringSubmatch(sql); m != nil {
		for _, name := range settingName.FindAllStringSubmatch(m[1], -1) {
			if _, given := s[name[1]]; !given {
				c.settings = append(c.settings, name[1])
			}
		}
	}
	return c
}

var literalEscapes = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

// Literal writes s as a string of SQL.
func Literal(s string) string { return "'" + literalEscapes.Replace(s) + "'" }

// Quote writes s as an identifier of SQL.
func Quote(s string) string {
	return "`" + strings.NewReplacer(`\`, `\\`, "`", "\\`").Replace(s) + "`"
}
