package ui

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
)

// totals are exact sums.
type totals struct {
	Transactions uint64
	Debit        decimalText
	Credit       decimalText
	Net          decimalText
}

// categoryView is a category with what its row shows.
type categoryView struct {
	Category           string      `json:"category"`
	Transactions       uint64      `json:"transactions"`
	Debit              decimalText `json:"debit"`
	Credit             decimalText `json:"credit"`
	Net                decimalText `json:"net"`
	Share              float64     `json:"-"` // of the largest one's transactions, in percent
	Spark              string      `json:"-"`
	Cells              []heatCell  `json:"-"`
	debit, credit, net decimalSum
}

// heatView is a table of categories by months.
type heatView struct {
	Months   []string
	Measure  string
	Measures []string
}

type heatCell struct {
	Month string
	Text  string
	Class string
	Title string
}

type merchantView struct {
	merchantRow
	Share float64
}

// decimalSum adds decimals of scale 4 exactly.
type decimalSum struct{ n big.Int }

func (s *decimalSum) add(d decimalText) {
	var n big.Int
	whole, fraction, _ := strings.Cut(string(d), ".")
	if _, ok := n.SetString(whole+(fraction + "0000")[:4], 10); ok {
		s.n.Add(&s.n, &n)
	}
}

func (s *decimalSum) text() decimalText {
	const digits = 4
	sign, text := "", s.n.String()
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	if len(text) <= digits {
		text = strings.Repeat("0", digits+1-len(text)) + text
	}
	return decimalText(sign + text[:len(text)-digits] + "." + text[len(text)-digits:])
}

// Months that the charts show, up to the last one with transactions. CSV and JSON have all.
const (
	moneyMonths = 24
	heatMonths  = 12
)

var measures = []string{"count", "debit", "credit", "net"}

// addMonths makes of months and categories: totals, a row a category, the chart of money and the table of months.
func (v *overviewView) addMonths(measure string) {
	if !slices.Contains(measures, measure) {
		measure = measures[0]
	}
	v.Heat = heatView{Measure: measure, Measures: measures}
	if len(v.Months) == 0 {
		return
	}
	months := monthsUpTo(v.Months[len(v.Months)-1].Month, v.Months[0].Month, moneyMonths)
	byMonth, byCategory := map[string]*monthSum{}, map[string]*categoryView{}
	var all decimalTriple
	cells := map[[2]string]monthRow{}
	for _, row := range v.Months {
		c := byCategory[row.Category]
		if c == nil {
			c = &categoryView{Category: row.Category}
			byCategory[row.Category] = c
		}
		m := byMonth[row.Month]
		if m == nil {
			m = &monthSum{}
			byMonth[row.Month] = m
		}
		c.Transactions += row.Transactions
		m.transactions += row.Transactions
		v.Total.Transactions += row.Transactions
		c.debit.add(row.Debit)
		c.credit.add(row.Credit)
		c.net.add(row.Net)
		m.sums.add(row)
		all.add(row)
		cells[[2]string{row.Month, row.Category}] = row
	}
	v.Total.Debit, v.Total.Credit, v.Total.Net = all.debit.text(), all.credit.text(), all.net.text()
	v.addMoney(months, byMonth)
	v.addCategories(months, byCategory, cells)
}

type decimalTriple struct{ debit, credit, net decimalSum }

func (t *decimalTriple) add(row monthRow) {
	t.debit.add(row.Debit)
	t.credit.add(row.Credit)
	t.net.add(row.Net)
}

type monthSum struct {
	sums         decimalTriple
	transactions uint64
}

func (v *overviewView) addMoney(months []string, sums map[string]*monthSum) {
	names, titles := make([]string, len(months)), make([]string, len(months))
	in, out := series{Class: "in"}, series{Class: "out"}
	for i, m := range months {
		s := sums[m]
		if s == nil {
			s = &monthSum{}
		}
		names[i] = monthName(m)
		titles[i] = fmt.Sprintf("%s: in %s, out %s, net %s, %s transactions", names[i], money(string(s.sums.credit.text())),
			money(string(s.sums.debit.text())), money(string(s.sums.net.text())), number(s.transactions))
		in.Values, out.Values = append(in.Values, s.sums.credit.text().Float()),
			append(out.Values, s.sums.debit.text().Float())
	}
	v.Money = newColumns(names, titles, in, out)
}

func (v *overviewView) addCategories(months []string, found map[string]*categoryView, cells map[[2]string]monthRow) {
	v.Heat.Months = months[max(len(months)-heatMonths, 0):]
	most, hottest := uint64(0), 0.
	for _, c := range found {
		most = max(most, c.Transactions)
	}
	value := func(row monthRow) float64 {
		switch v.Heat.Measure {
		case "debit":
			return row.Debit.Float()
		case "credit":
			return row.Credit.Float()
		case "net":
			return row.Net.Float()
		}
		return float64(row.Transactions)
	}
	for _, m := range v.Heat.Months {
		for name := range found {
			n := value(cells[[2]string{m, name}])
			hottest = max(hottest, n, -n)
		}
	}
	for name, c := range found {
		c.Debit, c.Credit, c.Net = c.debit.text(), c.credit.text(), c.net.text()
		c.Share = share(float64(c.Transactions), float64(most))
		var points []float64
		for _, m := range months {
			points = append(points, float64(cells[[2]string{m, name}].Transactions))
		}
		c.Spark = sparkline(points)
		for _, m := range v.Heat.Months {
			row := cells[[2]string{m, name}]
			c.Cells = append(c.Cells, heatCell{Month: m, Text: compact(value(row)), Class: heat(value(row), hottest),
				Title: fmt.Sprintf("%s, %s: %s transactions, out %s, in %s", plain(name), monthName(m), number(row.Transactions),
					money(string(zero(row.Debit))), money(string(zero(row.Credit))))})
		}
		v.Categories = append(v.Categories, *c)
	}
	slices.SortFunc(v.Categories, func(a, b categoryView) int {
		if a.Transactions != b.Transactions {
			if a.Transactions > b.Transactions {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Category, b.Category)
	})
}

func zero(d decimalText) decimalText {
	if d == "" {
		return "0"
	}
	return d
}

func (v *overviewView) addMerchants() {
	most := uint64(0)
	for _, m := range v.Merchants.Value {
		most = max(most, m.Transactions)
	}
	for _, m := range v.Merchants.Value {
		v.MerchantsC = append(v.MerchantsC, merchantView{m, share(float64(m.Transactions), float64(most))})
	}
}

// monthsUpTo lists months as YYYY-MM without gaps, at most so many, up to the last.
func monthsUpTo(last, first string, most int) (months []string) {
	at, err := time.Parse("2006-01", last)
	if err != nil {
		return []string{last}
	}
	for range most {
		months = append(months, at.Format("2006-01"))
		if at = at.AddDate(0, -1, 0); at.Format("2006-01") < first {
			break
		}
	}
	slices.Reverse(months)
	return months
}

func monthName(m string) string {
	t, err := time.Parse("2006-01", m)
	if err != nil {
		return m
	}
	return t.Format("Jan 06")
}
