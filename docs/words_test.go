package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// private are words of ours that a reader can not know, with the field's word for each.
var private = map[*regexp.Regexp]string{
	regexp.MustCompile(`(?i)\bmend(s|ed|ing)?\b`):                                         "fix or correct",
	regexp.MustCompile(`(?i)\banew\b`):                                                    "again",
	regexp.MustCompile(`(?i)\btold\b`):                                                    "reported, notified",
	regexp.MustCompile(`(?i)\b(is|are|was|were|goes|stays?|been|store) away\b`):           "unavailable",
	regexp.MustCompile(`(?i)\bas good as none\b|\b(messages|rows|files) that are none\b`): "ignored, invalid",
	regexp.MustCompile(`(?i)\bmade-up\b`):                                                 "generated",
	regexp.MustCompile(`(?i)\bvoid(s|ed)?\b`):                                             "discarded",
	regexp.MustCompile(`(?i)\brooms\b`):                                                   "directories",
	regexp.MustCompile(`(?i)\bstanding\b`):                                                "held, static",
	regexp.MustCompile(`(?i)\bletters?\b`):                                                "dead letter, record",
}

// ordinary are uses of those words that anybody knows. A line of a comment may end between two words.
var ordinary = regexp.MustCompile(`(?i)\bdead([-._]|[\s/#>]+)letters?\b|\b(ASCII|folded) letters?\b|` +
	`\bletters?( case|-spacing|, (digits|a digit)|[\s/]+each)|\bletter, a digit\b|\bstanding order\b`)

// beginnings are what each private word has in it.
var beginnings = []string{"mend", "anew", "told", "away", "are none", "good as none", "made-up", "void", "rooms",
	"standing",
	"letter"}

// privateWords are the words of ours in a text, with the field's.
func privateWords(text string) (found []string) {
	if lower := strings.ToLower(text); !slices.ContainsFunc(beginnings, func(s string) bool {
		return strings.Contains(lower, s)
	}) {
		return nil // most files: this is quicker than expressions
	}
	text = ordinary.ReplaceAllString(text, "")
	for word, better := range private {
		if used := word.FindString(text); used != "" {
			found = append(found, used+": "+better)
		}
	}
	return found
}

// TestPagesUseTheFieldsWords refuses words of ours in the documentation.
func TestPagesUseTheFieldsWords(t *testing.T) {
	t.Parallel()
	for page, text := range markdown(t) {
		if strings.HasPrefix(page, "docs/adr/") {
			continue // what was decided, in the words of its day
		}
		for _, found := range privateWords(inline.ReplaceAllString(fence.ReplaceAllString(text, ""), "``")) {
			t.Errorf("%s says %s", page, found)
		}
	}
}

// landed are migrations in the words of their day: their checksums are in databases.
var landed = regexp.MustCompile(`^clickhouse/migrations/00(06|16|18)_`)

// TestCodeUsesTheFieldsWords refuses them in comments, help, log lines and error messages, of programs, queries,
// scripts, images and pages.
func TestCodeUsesTheFieldsWords(t *testing.T) {
	t.Parallel()
	kinds := map[string]bool{".go": true, ".sql": true, ".py": true, ".sh": true, ".yml": true, ".yaml": true,
		".html": true, ".txt": true, ".toml": true}
	read := map[string]int{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "bin" ||
			name == "out" || name == "testdata"):
			return fs.SkipDir
		}
		kind := filepath.Ext(name)
		if name == "Makefile" || name == "Dockerfile" {
			kind = name
		} else if !kinds[kind] {
			return nil
		}
		page := filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator)))
		if entry.IsDir() || page == "docs/words_test.go" || landed.MatchString(page) {
			return nil
		}
		text, err := os.ReadFile(path)
		read[kind]++
		for _, found := range privateWords(string(text)) {
			t.Errorf("%s says %s", page, found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if read[".go"] < 500 || read[".sql"] < 50 || read[".py"] < 30 || read["Makefile"] == 0 || read["Dockerfile"] == 0 {
		t.Errorf("read are %v", read)
	}
}

// TestPrivateWordsAreFound makes sure that these tests can fail, and that they refuse no ordinary word.
func TestPrivateWordsAreFound(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"a dead letter, dead\n// letters, dead-letters; 1 to 9 ASCII letters, digits; a standing order": 0,
		"it goes back, far behind; the key gives it away":                                               0,
		"each letter is mended": 2, "Made anew; told": 2, "ClickHouse is away": 1, "messages that are none": 1,
		"a voided batch in standing rooms, made-up": 4,
	} {
		if got := privateWords(text); len(got) != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
