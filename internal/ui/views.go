package ui

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed templates/*.html
var templateFiles embed.FS

// views are the pages' templates by name, each with the frame around it.
type views map[string]*template.Template

// shared are the templates that every page has: the frame and its pieces.
var shared = []string{"templates/frame.html", "templates/pieces.html"}

func parseViews() (views, error) {
	base, err := template.New("base").Funcs(functions).ParseFS(templateFiles, shared...)
	if err != nil {
		return nil, fmt.Errorf("parse the frame of the pages: %w", err)
	}
	files, err := templateFiles.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	all := views{}
	for _, f := range files {
		file := "templates/" + f.Name()
		if file == shared[0] || file == shared[1] {
			continue
		}
		t, err := base.Clone()
		if err != nil {
			return nil, err
		}
		if t, err = t.ParseFS(templateFiles, file); err != nil {
			return nil, fmt.Errorf("parse the page %s: %w", f.Name(), err)
		}
		all[strings.TrimSuffix(path.Base(file), ".html")] = t
	}
	return all, nil
}

// frame is what a template sees.
type frame struct {
	*page
	Now           time.Time
	Version       string
	Search        string
	Style, Script string
	Nav           []navItem
	Jaeger        bool
	request       *http.Request
}

type navItem struct {
	Name, To string
	Here     bool
}

// With is this page's address with some parameters changed.
func (f *frame) With(changes ...string) string { return with(f.request, changes...) }

// CSV is the address of a part of this page as CSV, with as many rows as that may have.
func (f *frame) CSV(part string) string {
	return with(f.request, "format", "csv", "part", part)
}

// JSON is the address of this page as JSON.
func (f *frame) JSON() string { return with(f.request, "format", "json") }

// Ago says how long ago a moment was.
func (f *frame) Ago(t time.Time) string { return ago(f.Now, t) }

// Query is a parameter of the address.
func (f *frame) Query(name string) string { return f.request.URL.Query().Get(name) }

func (v views) render(w io.Writer, u *UI, r *http.Request, p *page) error {
	t, ok := v[p.View]
	if !ok {
		return fmt.Errorf("there is no template %q", p.View)
	}
	f := &frame{page: p, Now: u.cfg.Now(), Version: u.cfg.Version, Style: styleAsset.path, Script: scriptAsset.path,
		request: r}
	for _, n := range [][2]string{{"Overview", "/"}, {"Runs", "/runs"}, {"Transactions", "/transactions"},
		{"Events", "/events"}, {"Dead letters", "/dead-letters"}, {"Stream", "/stream"}} {
		f.Nav = append(f.Nav, navItem{n[0], n[1], p.Section == n[0]})
	}
	if p.Section == "Transactions" {
		f.Search = r.URL.Query().Get("q")
	}
	return t.ExecuteTemplate(w, "frame", f)
}

var functions = template.FuncMap{
	"text": text, "fullText": fullText, "rawText": rawText, "plain": plain, "moment": moment,
	"money":   func(d decimalText) string { return money(string(d)) },
	"cents":   func(d decimalText) string { return cents(string(zero(d))) },
	"figure":  figure,
	"num":     number,
	"compact": compact,
	"ms":      func(n uint64) string { return duration(time.Duration(n) * time.Millisecond) },
	"dur":     duration,
	"seconds": func(s float64) string { return duration(time.Duration(s * float64(time.Second))) },
	"short":   short,
	"one":     counted,
	"file":    fileName,
	"status":  statusLook,
	"pct":     func(f float64) string { return trimmed(f) + "%" },
	"px":      trimmed,
	"add":     func(a, b float64) float64 { return a + b },
	"odd":     func(i int) bool { return i%2 == 1 },
	"list":    func(items ...string) []string { return items },
	"chart":   func(c *columns, label string) labelled { return labelled{c, label} },
	"runPath": runPath,
	"table":   func(f *frame, part, caption string) tableHead { return tableHead{f, part, caption} },
}

// number writes a count of any integer type.
func number(n any) string {
	switch v := n.(type) {
	case int:
		return thousands(int64(v))
	case int32:
		return thousands(int64(v))
	case int64:
		return thousands(v)
	case uint64:
		return thousands(int64(v))
	case uint32:
		return thousands(int64(v))
	case uint16:
		return thousands(int64(v))
	case uint8:
		return thousands(int64(v))
	case float64:
		return compact(v)
	}
	return fmt.Sprint(n)
}

func counted(n any, singular, plural string) string {
	text := number(n)
	if text == "1" {
		return text + " " + singular
	}
	return text + " " + plural
}

// short is the beginning of a long id.
func short(id string) string {
	const shown = 12
	if len(id) <= shown {
		return id
	}
	return id[:shown] + "…"
}

// fileName is the last part of a URL or path.
func fileName(url string) string {
	if i := strings.LastIndexByte(strings.TrimRight(url, "/"), '/'); i >= 0 && !strings.HasPrefix(url, "transactions.") {
		return url[i+1:]
	}
	return url
}

// statusLook is the class of a status, for its colour; the word itself always stands beside it.
func statusLook(status string) string {
	switch status {
	case "done", "stored", "gold", "ok", "Stable", "resolved", "replayed":
		return "good"
	case "failed", "rejected", "dead_letter", "stalled":
		return "bad"
	case "interrupted", "open", "duplicate", "retry":
		return "warn"
	case "running":
		return "busy"
	}
	return "plain"
}

// tableHead is the heading of a part of a page, with its CSV.
type tableHead struct {
	Frame   *frame
	Part    string
	Caption string
}
