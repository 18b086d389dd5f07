package ui

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/fault"
)

// Bounds of a request.
const (
	pageTime     = 15 * time.Second
	maxAddress   = 4 << 10 // of path and query
	pageRows     = 50
	maxPageRows  = 500    // of a page as HTML
	maxRows      = 10_000 // of a page as CSV or JSON
	maxParameter = 1 << 10
)

// page is what a page is made of, whatever its format.
type page struct {
	View    string // name of its template
	Title   string
	Path    string
	Section string // which of the pages in the navigation it belongs to
	AsOf    time.Time
	Parts   []Part
	Next    string   // address of the rows that follow, "" for none
	Notes   []string // what could not be had, and why
	Status  int      // 0 is 200
	To      string   // another address to go to instead
	Live    int      // seconds after which the script looks again; 0: never
	Data    any      // for the template
}

// builder makes a page of a request. Its error is one of batch: the exit code decides the status.
type builder func(r *http.Request) (*page, error)

// policy lets a page load its own style and script, and nothing else from anywhere.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

// guarded sets the headers of every answer and asks for the token.
func (u *UI) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		if r.URL.Path != "/healthz" && !u.allowed(r) {
			h.Set("WWW-Authenticate", `Basic realm="txflow: any user, the token as password", charset="UTF-8"`)
			http.Error(w, "this page asks for a token: give it as the password, with any user, or as a bearer token",
				http.StatusUnauthorized)
			return
		}
		if len(r.URL.Path)+len(r.URL.RawQuery) > maxAddress {
			http.Error(w, "the address is too long", http.StatusRequestURITooLong)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// allowed reports whether the request has the token, where one is asked for.
func (u *UI) allowed(r *http.Request) bool {
	if u.cfg.Tokens == nil {
		return true
	}
	if _, password, ok := r.BasicAuth(); ok {
		return u.cfg.Tokens.Match(password)
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && u.cfg.Tokens.Match(token)
}

// serve answers with a page in the format that is asked for.
func (u *UI) serve(build builder) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), pageTime)
		defer cancel()
		started := time.Now()
		p, err := u.build(r.WithContext(ctx), build)
		if err != nil {
			if r.Context().Err() != nil {
				return // the reader is gone
			}
			p = u.errorPage(r, err)
		}
		if p.Path == "" {
			p.Path = r.URL.RequestURI()
		}
		if p.AsOf.IsZero() {
			p.AsOf = u.cfg.Now()
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Server-Timing", "page;dur="+strconv.FormatInt(time.Since(started).Milliseconds(), 10))
		if p.To != "" {
			http.Redirect(w, r, p.To, http.StatusSeeOther)
			return
		}
		u.write(w, r, p)
	})
}

func (u *UI) build(r *http.Request, build builder) (*page, error) {
	if _, err := formatOf(r); err != nil {
		return nil, err
	}
	for name, all := range r.URL.Query() {
		for _, v := range all {
			if len(v) > maxParameter {
				return nil, fault.Failf(fault.ExitUsage, "the value of %s is longer than %d bytes", plain(name), maxParameter)
			}
		}
	}
	return build(r)
}

// formatOf is html, csv or json.
func formatOf(r *http.Request) (string, error) {
	switch f := r.URL.Query().Get("format"); f {
	case "", "html":
		return "html", nil
	case "csv", "json":
		return f, nil
	default:
		return "html", fault.WithHint(fault.Failf(fault.ExitUsage, "the format %q is unknown", plain(f)),
			"format is html, csv or json")
	}
}

// write sends a page. It is made as a whole before its first byte is sent, so that an error still gets its status.
func (u *UI) write(w http.ResponseWriter, r *http.Request, p *page) {
	format, _ := formatOf(r) // of an error it is html
	part := p.part(r.URL.Query().Get("part"))
	if format == "csv" && part == nil && p.Status == 0 {
		p = u.errorPage(r, fault.WithHint(fault.Failf(fault.ExitNothing, "this page has no table %q",
			plain(r.URL.Query().Get("part"))),
			"its tables: %s", p.partNames()))
		part = p.part("")
	}
	if part == nil {
		part = p.part("") // of an error
	}
	var out bytes.Buffer
	var err error
	kind := "text/html; charset=utf-8"
	switch format {
	case "json":
		kind, err = "application/json; charset=utf-8", writeJSON(&out, p)
	case "csv":
		kind = "text/csv; charset=utf-8; header=present"
		w.Header().Set("Content-Disposition", `attachment; filename="txflow-`+part.Name+`.csv"`)
		err = writeCSV(&out, part)
	default:
		err = u.views.render(&out, u, r, p)
	}
	if err != nil {
		u.cfg.Log.ErrorContext(r.Context(), "a page could not be made", "path", r.URL.Path, "error", err.Error())
		http.Error(w, "this page could not be made: a fault of txflow", http.StatusInternalServerError)
		return
	}
	if p.Next != "" {
		w.Header().Set("Link", "<"+p.Next+`>; rel="next"`)
	}
	w.Header().Set("Content-Type", kind)
	if p.Status != 0 {
		w.WriteHeader(p.Status)
	}
	if r.Method != http.MethodHead {
		_, _ = w.Write(out.Bytes()) // the reader is gone: there is nobody to tell
	}
}

func (p *page) part(name string) *Part {
	for i := range p.Parts {
		if name == "" || p.Parts[i].Name == name {
			return &p.Parts[i]
		}
	}
	return nil
}

func (p *page) partNames() string {
	var names []string
	for _, part := range p.Parts {
		names = append(names, part.Name)
	}
	return strings.Join(names, ", ")
}

// failure is an error as a page shows it.
type failure struct {
	Error string `json:"error"`
	Next  string `json:"next,omitempty"`
}

// errorPage says what is wrong and what to do.
func (u *UI) errorPage(r *http.Request, err error) *page {
	f := failure{err.Error(), fault.Hint(err)}
	p := &page{View: "error", Title: "Not available", Parts: []Part{{"error", []failure{f}}}}
	switch code := fault.ExitCode(err); code {
	case fault.ExitUsage:
		p.Title, p.Status = "Not understood", http.StatusBadRequest
	case fault.ExitNothing:
		p.Title, p.Status = "Not found", http.StatusNotFound
	case fault.ExitUnavailable, fault.ExitTryAgain:
		p.Status = http.StatusServiceUnavailable
	default:
		p.Title, p.Status = "Something is wrong", http.StatusInternalServerError
	}
	if p.Status >= http.StatusInternalServerError {
		u.cfg.Log.WarnContext(r.Context(), "a page is not available", "path", r.URL.Path, "error", f.Error)
	}
	p.Data = f
	return p
}

func notFound(r *http.Request) (*page, error) {
	return nil, fault.WithHint(fault.Failf(fault.ExitNothing, "there is no page %s", plain(r.URL.Path)),
		"start at the overview")
}

// limit is how many rows are asked for, within bounds.
func limit(r *http.Request) (int, error) {
	given, most := r.URL.Query().Get("limit"), maxPageRows
	if format, _ := formatOf(r); format != "html" {
		most = maxRows
	}
	if given == "" {
		return pageRows, nil
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < 1 || n > most {
		return 0, fault.Failf(fault.ExitUsage, "limit is a number from 1 to %d", most)
	}
	return n, nil
}

// with is the request's address with some parameters changed; an empty value removes one.
func with(r *http.Request, changes ...string) string {
	query := r.URL.Query()
	for i := 0; i+1 < len(changes); i += 2 {
		if changes[i+1] == "" {
			query.Del(changes[i])
		} else {
			query.Set(changes[i], changes[i+1])
		}
	}
	to := url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: query.Encode()}
	return to.String()
}
