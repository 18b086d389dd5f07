// Package docs_test checks the documentation: that its links lead somewhere, and that its commands do what it says.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

const root = ".."

// markdown is every Markdown file of the repository, by its path from the root.
func markdown(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "node_modules" ||
			name == "bin" || name == "out") {
			return fs.SkipDir
		}
		if entry.IsDir() || filepath.Ext(name) != ".md" {
			return nil
		}
		text, err := os.ReadFile(path)
		files[filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator)))] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var (
	fence    = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	inline   = regexp.MustCompile("`[^`\n]*`")
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
	explicit = regexp.MustCompile(`<a (?:id|name)="([^"]+)"`)
)

// anchors are the fragments that a page has, made of its headings as GitHub makes them.
func anchors(text string) map[string]bool {
	found, seen := map[string]bool{}, map[string]int{}
	for _, match := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		var b strings.Builder
		for _, r := range strings.ToLower(strings.TrimSpace(match[1])) {
			switch {
			case r == ' ' || r == '-' || r == '_':
				b.WriteRune(map[bool]rune{true: '-', false: r}[r == ' '])
			case unicode.IsLetter(r), unicode.IsDigit(r):
				b.WriteRune(r)
			}
		}
		name := b.String()
		if n := seen[name]; n > 0 {
			found[name+"-"+string(rune('0'+n))] = true
		} else {
			found[name] = true
		}
		seen[name]++
	}
	for _, match := range explicit.FindAllStringSubmatch(text, -1) {
		found[match[1]] = true
	}
	return found
}

// brokenLinks are the relative links of a page that lead to no file, folder or heading.
func brokenLinks(files map[string]string, page string, exists func(string) bool) []string {
	var broken []string
	text := inline.ReplaceAllString(fence.ReplaceAllString(files[page], ""), "``")
	for _, match := range link.FindAllStringSubmatch(text, -1) {
		target, fragment, _ := strings.Cut(match[1], "#")
		if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
			continue
		}
		path := page
		if target != "" {
			path = filepath.ToSlash(filepath.Join(filepath.Dir(page), target))
		}
		other, isPage := files[path]
		if !isPage && !exists(path) || fragment != "" && !anchors(other)[fragment] {
			broken = append(broken, match[1])
		}
	}
	return broken
}

func TestLinks(t *testing.T) {
	t.Parallel()
	files := markdown(t)
	exists := func(path string) bool {
		_, err := os.Stat(filepath.Join(root, filepath.FromSlash(path)))
		return err == nil
	}
	for page := range files {
		for _, target := range brokenLinks(files, page, exists) {
			t.Errorf("%s links to %s, which does not exist", page, target)
		}
	}
}

// TestLinksFindsWhatIsBroken makes sure that TestLinks can fail.
func TestLinksFindsWhatIsBroken(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"a.md": "# One\n[x](sub/b.md#two-words) [y](sub/b.md#three) [z](c.md) [w](#one) [v](https://x.y/z)\n```\n" +
			"[q](q.md)\n```\n",
		"sub/b.md": "# Two words\n[up](../a.md#one)",
	}
	none := func(string) bool { return false }
	if got := strings.Join(brokenLinks(files, "a.md", none), " "); got != "sub/b.md#three c.md" {
		t.Errorf("broken links of a.md: %q", got)
	}
	if got := brokenLinks(files, "sub/b.md", none); got != nil {
		t.Errorf("broken links of b.md: %q", got)
	}
}

// TestEveryPageIsInTheIndex keeps docs/README.md complete.
func TestEveryPageIsInTheIndex(t *testing.T) {
	t.Parallel()
	files := markdown(t)
	index := files["docs/README.md"]
	for page := range files {
		name, ok := strings.CutPrefix(page, "docs/")
		if ok && name != "README.md" && !strings.HasPrefix(name, "adr/") && !strings.Contains(index, "]("+name+")") {
			t.Errorf("docs/README.md does not link to %s", name)
		}
	}
}

// TestTroubleshootingQuotesTheCode keeps the headings of the troubleshooting page as the messages are: a user searches
// for them.
func TestTroubleshootingQuotesTheCode(t *testing.T) {
	t.Parallel()
	var code strings.Builder
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), ".") {
			return fs.SkipDir
		}
		if entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		code.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	quoted := regexp.MustCompile("(?m)^### `(.+)`$").FindAllStringSubmatch(markdown(t)["docs/troubleshooting/README.md"],
		-1)
	if len(quoted) < 20 {
		t.Errorf("%d messages are quoted", len(quoted))
	}
	for _, message := range quoted {
		for part := range strings.SplitSeq(message[1], "…") {
			if part = strings.TrimSpace(part); !strings.Contains(code.String(), part) {
				t.Errorf("no message of the code has %q, which the troubleshooting page quotes", part)
			}
		}
	}
}

// TestEachAlertHasOneRunbook compares the alerts of Prometheus with the section of them in the guide to production.
func TestEachAlertHasOneRunbook(t *testing.T) {
	t.Parallel()
	rules, err := os.ReadFile(filepath.Join(root, "otel", "prometheus", "rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(markdown(t)["docs/guides/production.md"], "\n## Alerts\n")
	section, _, _ = strings.Cut(section, "\n## ")
	runbooks := map[string]int{}
	for _, match := range regexp.MustCompile(`(?m)^\*\*(\w+)\*\* – `).FindAllStringSubmatch(section, -1) {
		runbooks[match[1]]++
	}
	alerts := regexp.MustCompile(`(?m)^ *- alert: (\w+)(?: #.*)?$`).FindAllStringSubmatch(string(rules), -1)
	if len(alerts) < 7 {
		t.Errorf("%d alerts were found", len(alerts))
	}
	for _, alert := range alerts {
		if runbooks[alert[1]] != 1 {
			t.Errorf("the alert %s has %d runbooks", alert[1], runbooks[alert[1]])
		}
		delete(runbooks, alert[1])
	}
	for name := range runbooks {
		t.Errorf("there is no alert %s, which a runbook is for", name)
	}
}
