package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/transaction"
)

func TestSumsAreExact(t *testing.T) {
	db := open(t)
	var rows []ledger.Classified
	var debit, credit, sum int64
	for i := range 5000 {
		amount := transaction.Amount(int64(i)*7919 - 20_000_001)
		if amount == 0 {
			amount = 1
		}
		rows = append(rows, classified(uint64(i)+2, amount, "Rent", nil))
		sum += int64(amount)
		if amount < 0 {
			debit += int64(amount)
		} else {
			credit += int64(amount)
		}
	}
	must(t, db.InsertClassified(t.Context(), info, pieces(rows...)))
	got, err := db.Report(t.Context(), store.ReportQuery{})
	must(t, err)
	text := func(n int64) string { // of scale 4
		sign := ""
		if n < 0 {
			sign, n = "-", -n
		}
		return fmt.Sprintf("%s%d.%04d", sign, n/10_000, n%10_000)
	}
	if len(got) != 1 || got[0].Transactions != 5000 || got[0].Debit != text(debit) || got[0].Credit != text(credit) ||
		got[0].Net != text(sum) {
		t.Errorf("%+v, want %s %s %s", got, text(debit), text(credit), text(sum))
	}
	if view := db.sql("SELECT transactions, toDecimalString(debit, 4), toDecimalString(credit, 4), toDecimalString(net, " +
		"4) FROM category_totals"); view !=
		fmt.Sprintf("5000\t%s\t%s\t%s", text(debit), text(credit), text(sum)) {
		t.Errorf("category_totals: %s", view)
	}
}

func TestReportGroups(t *testing.T) {
	db := open(t)
	on := func(month time.Month) func(*ledger.Classified) {
		return func(r *ledger.Classified) { r.Transaction.Timestamp = time.Date(2024, month, 1, 0, 0, 0, 0, time.UTC) }
	}
	must(t, db.InsertClassified(t.Context(), info, pieces(classified(2, 50000, "Rent", on(1)),
		classified(3, -70000, "Rent", on(2)),
		classified(4, -5, "Food", func(r *ledger.Classified) { on(2)(r); r.Transaction.HasMerchant = false }))))
	other := "t"
	for name, c := range map[string]struct {
		q    store.ReportQuery
		want string
	}{
		"category": {store.ReportQuery{}, "[Food 1 -0.0005 0.0000 -0.0005] [Rent 2 -7.0000 5.0000 -2.0000]"},
		"month": {store.ReportQuery{By: "month"},
			"[2024-01/Rent 1 0.0000 5.0000 5.0000] [2024-02/Food 1 -0.0005 0.0000 -0.0005] [2024-02/Rent 1 -7.0000 0.0000 " +
				"-7.0000]"},
		"day":      {store.ReportQuery{By: "day", Category: "Food"}, "[2024-02-01/Food 1 -0.0005 0.0000 -0.0005]"},
		"merchant": {store.ReportQuery{By: "merchant"}, "[ 1 -0.0005 0.0000 -0.0005] [m 2 -7.0000 5.0000 -2.0000]"},
		"side": {store.ReportQuery{By: "side", Category: "Rent"},
			"[Rent/debit 1 -7.0000 0.0000 -7.0000] [Rent/credit 1 0.0000 5.0000 5.0000]"},
		"from": {store.ReportQuery{From: time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC)},
			"[Food 1 -0.0005 0.0000 -0.0005] [Rent 1 -7.0000 0.0000 -7.0000]"},
		"to":     {store.ReportQuery{To: time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC)}, "[Rent 1 0.0000 5.0000 5.0000]"},
		"source": {store.ReportQuery{Source: &other}, ""},
		"count":  {store.ReportQuery{Sort: "count"}, "[Rent 2 -7.0000 5.0000 -2.0000] [Food 1 -0.0005 0.0000 -0.0005]"},
		"amount": {store.ReportQuery{By: "month", Sort: "amount"},
			"[2024-02/Rent 1 -7.0000 0.0000 -7.0000] [2024-01/Rent 1 0.0000 5.0000 5.0000] " +
				"[2024-02/Food 1 -0.0005 0.0000 -0.0005]"},
	} {
		rows, err := db.Report(t.Context(), c.q)
		must(t, err)
		var got []string
		for _, r := range rows {
			got = append(got, fmt.Sprintf("[%s %d %s %s %s]", strings.Join(r.Keys, "/"), r.Transactions, r.Debit, r.Credit,
				r.Net))
		}
		if s := strings.Join(got, " "); s != c.want && name != "side" || name == "side" && len(s) != len(c.want) {
			t.Errorf("%s: %s, want %s", name, s, c.want)
		}
	}
	for _, q := range []store.ReportQuery{{By: "color"}, {Sort: "color"}} {
		if _, err := db.Report(t.Context(), q); fault.ExitCode(err) != fault.ExitUsage {
			t.Error(err)
		}
	}
}

// Months and days are right wherever a time can be, though ClickHouse's Date reaches from 1970 to 2149 only.
func TestReportsOfAnyYear(t *testing.T) {
	db := open(t)
	on := func(year int) func(*ledger.Classified) {
		return func(r *ledger.Classified) {
			r.Transaction.Timestamp = time.Date(year, 12, 31, 23, 59, 59, 999999000, time.UTC)
		}
	}
	years := []int{1, 1850, 1899, 1969, 2024, 2149, 2299, 2400, 9999}
	var rows []ledger.Classified
	var months, days []string
	for i, year := range years {
		rows = append(rows, classified(uint64(i)+2, 10_000, "Rent", on(year)))
		months, days = append(months, fmt.Sprintf("%04d-12", year)), append(days, fmt.Sprintf("%04d-12-31", year))
	}
	must(t, db.InsertClassified(t.Context(), info, pieces(rows...)))
	for by, want := range map[string][]string{"month": months, "day": days} {
		report, err := db.Report(t.Context(), store.ReportQuery{By: by})
		must(t, err)
		var got []string
		for _, r := range report {
			got = append(got, r.Keys[0])
		}
		if !slices.Equal(got, want) {
			t.Errorf("report by %s: %v, want %v", by, got, want)
		}
	}
	if got := db.sql("SELECT month FROM category_monthly ORDER BY month"); got != strings.ReplaceAll(strings.Join(months,
		"-01\n")+"-01", " ", "") {
		t.Errorf("category_monthly: %s", got)
	}
	db.refreshDaily()
	if got := db.sql("SELECT day FROM category_daily ORDER BY day"); got != strings.Join(days, "\n") {
		t.Errorf("category_daily: %s", got)
	}
}
