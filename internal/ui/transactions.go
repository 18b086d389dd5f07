package ui

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/transaction"
)

// transactionsView is the search, and the rows that fit or came in last.
type transactionsView struct {
	Q       string
	Hits    []searchHit
	Rows    []transactionRow
	Filters []filter
	First   bool
	Partial bool // some rows that fitted have been replaced since
}

// searchHit is an id that a search may mean.
type searchHit struct {
	ID       uuid.UUID `json:"id"`
	Source   string    `json:"source"`
	SourceID string    `json:"source_id"`
	Stored   bool      `json:"stored"`
	Path     string    `json:"address"`
	Category string    `json:"category,omitempty"`
}

// filter is one that is set, with the address without it.
type filter struct{ Name, Value, Without string }

// transactionFilters are the parameters that filter, by name.
var transactionFilters = []string{"category", "month", "source", "merchant", "pipeline", "side"}

func (u *UI) transactionsPage(r *http.Request) (*page, error) {
	n, err := limit(r)
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	v := &transactionsView{Q: strings.TrimSpace(q.Get("q")), First: q.Get("after") == ""}
	p := &page{View: "transactions", Title: "Transactions", Section: "Transactions", Data: v}
	if v.Q != "" {
		if v.Hits, err = u.search(r.Context(), v.Q); err != nil {
			return nil, err
		}
		format, _ := formatOf(r)
		if len(v.Hits) == 1 && format == "html" {
			p.To = v.Hits[0].Path
		}
		p.Title, p.Parts = "Search", []Part{{"found", v.Hits}}
		return p, nil
	}
	for _, name := range append(slices.Clone(transactionFilters), "no_merchant") {
		if q.Has(name) {
			v.Filters = append(v.Filters, filter{strings.ReplaceAll(name, "_", " "), q.Get(name),
				with(r, name, "", "after", "")})
		}
	}
	if len(v.Filters) == 0 {
		v.Rows, err = u.lastRows(r.Context(), "", n)
	} else {
		p.Next, err = u.filtered(r, v, n)
	}
	p.Parts = []Part{{"transactions", v.Rows}}
	return p, err
}

// search finds the ids that a text may mean: a UUID, or the id of one of the sources.
func (u *UI) search(ctx context.Context, q string) (hits []searchHit, err error) {
	const longest = 512
	if len(q) > longest {
		return nil, fault.Failf(fault.ExitUsage, "an id is no longer than %d bytes", longest)
	}
	sources, err := rows[struct {
		Source string `ch:"source"`
	}](ctx, u.cfg.DB, "sources", nil)
	if err != nil {
		return nil, err
	}
	dead, err := rows[struct {
		ID     uuid.UUID `ch:"id"`
		Source string    `ch:"source"`
	}](ctx, u.cfg.DB, "dead_letters_of_source_id", values{"id": q})
	if err != nil {
		return nil, err
	}
	seen := map[uuid.UUID]bool{}
	add := func(id uuid.UUID, source string) {
		if !seen[id] {
			seen[id] = true
			hits = append(hits, searchHit{ID: id, Source: source, SourceID: q, Path: "/transactions/" + id.String()})
		}
	}
	add(uuid.UUID(transaction.DeriveID("", []byte(q))), "")
	for _, s := range sources {
		add(uuid.UUID(transaction.DeriveID(s.Source, []byte(q))), s.Source)
	}
	fromDead := map[uuid.UUID]bool{}
	for _, d := range dead {
		add(d.ID, d.Source)
		fromDead[d.ID] = true
	}
	ids := make([]uuid.UUID, len(hits))
	for i := range hits {
		ids[i] = hits[i].ID
	}
	states, err := u.byID(ctx, ids)
	if err != nil {
		return nil, err
	}
	found := hits[:0]
	for _, h := range hits {
		if t, ok := states[h.ID]; ok {
			h.Stored, h.Category, h.Source, h.SourceID = true, t.Category, t.Source, t.SourceID
		} else if _, err := uuid.Parse(q); !fromDead[h.ID] && (err != nil || h.Source != "") {
			continue
		}
		found = append(found, h)
	}
	return found, nil
}

// lastRows are the transactions that came in last, by one pipeline or by any, in their current state.
func (u *UI) lastRows(ctx context.Context, pipeline string, n int) (last []transactionRow, err error) {
	found, err := rows[struct {
		ID uuid.UUID `ch:"id"`
		At time.Time `ch:"at"`
	}](ctx, u.cfg.DB, "transactions_last", values{"pipeline": pipeline, "limit": itoa(n)})
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(found))
	for i := range found {
		ids[i] = found[i].ID
	}
	states, err := u.byID(ctx, ids)
	for _, id := range ids {
		if t, ok := states[id]; ok {
			last = append(last, t)
		}
	}
	return last, err
}

// filtered reads a page of the transactions that the address filters, in the order of their ids.
func (u *UI) filtered(r *http.Request, v *transactionsView, n int) (next string, err error) {
	q := r.URL.Query()
	after := uuid.Nil
	if given := q.Get("after"); given != "" {
		if after, err = uuid.Parse(given); err != nil {
			return "", badKey("after")
		}
	}
	ask := values{"after": after.String(), "category": q.Get("category"), "source": q.Get("source"),
		"any_source": flag(!q.Has("source")),
		"pipeline":   q.Get("pipeline"), "side": q.Get("side"), "merchant": q.Get("merchant"),
		"any_merchant": flag(!q.Has("merchant")),
		"no_merchant":  flag(q.Has("no_merchant")), "from": "", "to": "", "limit": itoa(n + 1)}
	if month := q.Get("month"); month != "" {
		at, err := time.Parse("2006-01", month)
		if err != nil {
			return "", fault.Failf(fault.ExitUsage, "a month is written like 2024-01")
		}
		ask["from"], ask["to"] = strconv.FormatInt(at.Unix(), 10), strconv.FormatInt(at.AddDate(0, 1, 0).Unix(), 10)
	}
	found, err := rows[struct {
		ID uuid.UUID `ch:"id"`
	}](r.Context(), u.cfg.DB, "transactions_found", ask)
	if err != nil {
		return "", err
	}
	more := len(found) > n
	found = found[:min(len(found), n)]
	ids := make([]uuid.UUID, len(found))
	for i := range found {
		ids[i] = found[i].ID
	}
	states, err := u.byID(r.Context(), ids)
	if err != nil {
		return "", err
	}
	for _, id := range ids {
		if t, ok := states[id]; ok && fits(&t, q) {
			v.Rows = append(v.Rows, t)
		} else {
			v.Partial = true
		}
	}
	if more {
		next = with(r, "after", ids[len(ids)-1].String())
	}
	return next, nil
}

// fits reports whether a current state is what the address filters: the row that was found may be an older one.
func fits(t *transactionRow, q url.Values) bool {
	merchant := ""
	if t.Merchant != nil {
		merchant = *t.Merchant
	}
	return (q.Get("category") == "" || q.Get("category") == t.Category) &&
		(!q.Has("source") || q.Get("source") == t.Source) &&
		(q.Get("pipeline") == "" || q.Get("pipeline") == t.Pipeline) && (q.Get("side") == "" || q.Get("side") == t.Side) &&
		(!q.Has("merchant") || t.Merchant != nil && merchant == q.Get("merchant")) &&
		(!q.Has("no_merchant") || t.Merchant == nil) &&
		(q.Get("month") == "" || q.Get("month") == t.Timestamp.UTC().Format("2006-01"))
}
