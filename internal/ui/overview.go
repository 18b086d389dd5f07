package ui

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// smallTable is up to how many rows the categories are counted each time, at a tenth of a second a million; larger
// tables are summed by ClickHouse's journal, which is at most a minute and a half old.
const smallTable = 500_000

// overviewData is what the overview shows, as it was read at one time.
type overviewData struct {
	Size        sizeRow
	Months      []monthRow
	Live        bool // Months are of the rows themselves, not of the journal
	Journal     journalRow
	Volume      []volumeRow
	Bucket      time.Duration // of Volume
	Runs        []runRow
	DeadLetters []deadLetterCountRow
	JournalE    string // why the journal's age is not known
}

type sizeRow struct {
	Transactions uint64 `ch:"transactions" json:"transactions"`
	Outcomes     uint64 `ch:"outcomes" json:"outcomes"`
}

type monthRow struct {
	Month        string      `ch:"month" json:"month"`
	Category     string      `ch:"category" json:"category"`
	Transactions uint64      `ch:"transactions" json:"transactions"`
	Debit        decimalText `ch:"debit" json:"debit"`
	Credit       decimalText `ch:"credit" json:"credit"`
	Net          decimalText `ch:"net" json:"net"`
}

type journalRow struct {
	Renewed   *time.Time `ch:"renewed" json:"renewed"`
	Exception string     `ch:"exception" json:"exception,omitempty"`
}

type volumeRow struct {
	At     time.Time `ch:"at" json:"at"`
	Batch  uint64    `ch:"batch" json:"batch"`
	Stream uint64    `ch:"stream" json:"stream"`
}

type deadLetterCountRow struct {
	Pipeline string    `ch:"pipeline" json:"pipeline"`
	Source   string    `ch:"source" json:"source"`
	Code     string    `ch:"code" json:"reason"`
	Column   string    `ch:"column" json:"column"`
	Rows     uint64    `ch:"rows" json:"dead_letters"`
	Oldest   time.Time `ch:"oldest" json:"oldest"`
}

type merchantRow struct {
	Merchant     *string     `ch:"merchant" json:"merchant"`
	Transactions uint64      `ch:"transactions" json:"transactions"`
	Debit        decimalText `ch:"debit" json:"debit"`
	Credit       decimalText `ch:"credit" json:"credit"`
	Net          decimalText `ch:"net" json:"net"`
}

func (u *UI) loadOverview(ctx context.Context) (*overviewData, error) {
	d := &overviewData{}
	var err error
	if d.Size, _, err = one[sizeRow](ctx, u.cfg.DB, "size", nil); err != nil {
		return nil, err
	}
	query := "months"
	if d.Live = d.Size.Transactions <= smallTable; d.Live {
		query = "months_live"
	} else if d.Journal, _, err = one[journalRow](ctx, u.cfg.DB, "journal", nil); err != nil {
		d.JournalE = err.Error() // a user without rights to system tables
	}
	if d.Months, err = rows[monthRow](ctx, u.cfg.DB, query, nil); err != nil {
		return nil, err
	}
	if d.Runs, err = rows[runRow](ctx, u.cfg.DB, "runs", runValues(20)); err != nil {
		return nil, err
	}
	if d.DeadLetters, err = rows[deadLetterCountRow](ctx, u.cfg.DB, "dead_letters_open", nil); err != nil {
		return nil, err
	}
	return d, u.loadVolume(ctx, d)
}

// buckets are the widths that volume may be counted in; a chart has volumeColumns of them, up to the last entry of the
// ledger.
var buckets = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour,
	7 * 24 * time.Hour}

const volumeColumns = 60

func (u *UI) loadVolume(ctx context.Context, d *overviewData) error {
	if d.Size.Outcomes == 0 {
		return nil
	}
	span, _, err := one[struct {
		First time.Time `ch:"first"`
		Last  time.Time `ch:"last"`
	}](ctx, u.cfg.DB, "activity", nil)
	if err != nil {
		return err
	}
	d.Bucket = buckets[len(buckets)-1]
	for _, b := range slices.Backward(buckets) {
		if span.Last.Sub(span.First) < (volumeColumns-1)*b {
			d.Bucket = b
		}
	}
	from := span.Last.Truncate(d.Bucket).Add(-(volumeColumns - 1) * d.Bucket)
	found, err := rows[volumeRow](ctx, u.cfg.DB, "volume", values{"bucket": fmt.Sprint(int(d.Bucket.Seconds())),
		"from": fmt.Sprint(from.Unix())})
	if err != nil {
		return err
	}
	at := map[int64]volumeRow{}
	for _, row := range found {
		at[row.At.Unix()] = row
	}
	for i := range volumeColumns {
		t := from.Add(time.Duration(i) * d.Bucket)
		row := at[t.Unix()]
		row.At = t
		d.Volume = append(d.Volume, row)
	}
	return nil
}

func (u *UI) loadMerchants(ctx context.Context) ([]merchantRow, error) {
	return rows[merchantRow](ctx, u.cfg.DB, "merchants", nil)
}

// overviewView is what the template shows.
type overviewView struct {
	*overviewData
	Attention  []attention
	Total      totals
	Categories []categoryView
	Money      *columns
	VolumeView *columns
	Heat       heatView
	Merchants  result[[]merchantRow]
	MerchantsC []merchantView
	Stream     result[*streamData]
	FiguresAt  time.Time
	ReadAt     time.Time
	Old        error // why the figures are not new
}

func (u *UI) overviewPage(r *http.Request) (*page, error) {
	overview := u.overview.get(r.Context())
	if !overview.Known() {
		if overview.Err != nil {
			return nil, overview.Err
		}
		return u.countingPage("Overview"), nil
	}
	d := overview.Value
	v := &overviewView{overviewData: d, ReadAt: overview.At, FiguresAt: overview.At, Old: overview.Err}
	if !d.Live && d.Journal.Renewed != nil {
		v.FiguresAt = *d.Journal.Renewed
	}
	p := &page{View: "overview", Title: "Overview", Section: "Overview", AsOf: overview.At, Data: v, Live: 15}
	if v.Old != nil {
		p.Notes = append(p.Notes, "the figures are not new: "+v.Old.Error())
	}
	v.Stream = u.streamNow(r.Context())
	v.addMonths(r.URL.Query().Get("measure"))
	v.addVolume()
	if d.Size.Transactions > 0 {
		v.Merchants = u.merchants.get(r.Context())
		v.addMerchants()
	}
	v.Attention = u.attention(v)
	p.Parts = []Part{{"categories", v.Categories}, {"months", d.Months}, {"merchants", v.Merchants.Value},
		{"volume", d.Volume}, {"runs", d.Runs}, {"dead_letters", d.DeadLetters}, {"attention", v.Attention}}
	if v.Merchants.Err != nil {
		p.Notes = append(p.Notes, "merchants: "+v.Merchants.Err.Error())
	}
	return p, nil
}

// countingPage stands in for a page whose first figures take longer than a page waits.
func (u *UI) countingPage(title string) *page {
	return &page{View: "counting", Title: title, Section: title, Live: 2,
		Parts:  []Part{{"error", []failure{{Error: "ClickHouse still counts", Next: "ask again in a moment"}}}},
		Status: http.StatusServiceUnavailable}
}

func (v *overviewView) addVolume() {
	if len(v.Volume) == 0 {
		return
	}
	layout := "15:04"
	switch {
	case v.Bucket >= 24*time.Hour:
		layout = "2 Jan 06"
	case v.Bucket >= time.Hour:
		layout = "2 Jan 15:04"
	}
	names, titles := make([]string, len(v.Volume)), make([]string, len(v.Volume))
	batches, streams := series{Class: "c1"}, series{Class: "c2"}
	for i, row := range v.Volume {
		names[i] = row.At.UTC().Format(layout)
		titles[i] = fmt.Sprintf("%s UTC: batch %s, stream %s", row.At.UTC().Format("2006-01-02 15:04"), number(row.Batch),
			number(row.Stream))
		batches.Values, streams.Values = append(batches.Values, float64(row.Batch)),
			append(streams.Values, float64(row.Stream))
	}
	v.VolumeView = newColumns(names, titles, batches, streams)
}

// BucketName is how wide a column of the volume is.
func (v *overviewView) BucketName() string {
	switch v.Bucket {
	case time.Minute:
		return "minute"
	case time.Hour:
		return "hour"
	case 24 * time.Hour:
		return "day"
	case 7 * 24 * time.Hour:
		return "week"
	}
	if v.Bucket < time.Hour {
		return fmt.Sprintf("%d minutes", v.Bucket/time.Minute)
	}
	return fmt.Sprintf("%d hours", v.Bucket/time.Hour)
}

// deadLettersShown is how many reasons the overview has; the page of dead letters has all.
const deadLettersShown = 10

// FirstDeadLetters are the reasons with the most open dead letters.
func (d *overviewData) FirstDeadLetters() []deadLetterCountRow {
	return d.DeadLetters[:min(len(d.DeadLetters), deadLettersShown)]
}

// MoreDeadLetters is how many reasons are not shown.
func (d *overviewData) MoreDeadLetters() int { return max(len(d.DeadLetters)-deadLettersShown, 0) }
