package store

import (
	"embed"
	"strings"
)

//go:embed sql
var sqlFiles embed.FS

// sqlFile returns the statement of sql/NAME.sql, without the comment on top of it. Each file is one statement, named by
// what it answers.
func sqlFile(name string) string {
	content, err := sqlFiles.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic("the file is embedded: " + err.Error())
	}
	text := string(content)
	for strings.HasPrefix(text, "--") {
		_, text, _ = strings.Cut(text, "\n")
	}
	return strings.TrimSpace(text)
}
