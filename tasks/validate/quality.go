package validate

import (
	"math/bits"

	"github.com/txflow/txflow/internal/transaction"
)

// Quality is the report on a run's source rows.
type Quality struct {
	Score  float64          `json:"score"` // in [0, 1]: 1 less the weighted share of rows with an issue, see Weights
	Rows   int64            `json:"rows"`
	Issues map[string]int64 `json:"issues"` // rows by code
	Limits map[string]Fence `json:"amount_fences"`
}

// Fence is the range of magnitudes outside which an amount is called an outlier: the quartiles' span three times below
// the first and above the third (Tukey's outer fence, on a logarithmic scale).
type Fence struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Codes of issues that do not reject a row.
const (
	IssueDescription = "missing_description"
	IssueMerchant    = "missing_merchant"
	IssueOutlier     = "amount_outlier"
	IssueDuplicate   = "duplicate"
)

// weights say how much of a row's worth an issue takes; a code that is not named rejects the row and takes all of it.
// A null merchant is allowed, so it takes nothing.
var weights = map[string]float64{IssueDescription: 0.1, IssueMerchant: 0, IssueOutlier: 0.1, IssueDuplicate: 0.5}

// magnitudes counts amounts by side on a logarithmic scale of eight steps an octave, so that outliers are found in one
// pass and flat memory.
type magnitudes [2][64 * 8]int64

func (m *magnitudes) add(t *transaction.Transaction) {
	m[t.Side-1][magnitude(t.Amount)]++
}

func magnitude(a transaction.Amount) int {
	u := uint64(max(a, -a))
	n := bits.Len64(u)
	if n <= 3 {
		return int(u)
	}
	return (n-1)<<3 | int(u>>(n-4))&7
}

func value(step int) float64 {
	if step < 8 {
		return float64(step) / transaction.AmountScale
	}
	return float64(uint64(8|step&7)<<(step>>3-3)) / transaction.AmountScale
}

func (m *magnitudes) merge(o *magnitudes) {
	for side := range m {
		for i, n := range o[side] {
			m[side][i] += n
		}
	}
}

// outliers counts the rows outside the fences.
func (m *magnitudes) outliers() (count int64, fences map[string]Fence) {
	fences = map[string]Fence{}
	for i := range m {
		var total int64
		for _, n := range m[i] {
			total += n
		}
		if total == 0 {
			continue
		}
		q1, q3 := quantile(&m[i], total, 1), quantile(&m[i], total, 3)
		low, high := q1-3*(q3-q1+1), q3+3*(q3-q1+1)
		for step, n := range m[i] {
			if step < low || step > high {
				count += n
			}
		}
		fences[transaction.Side(i+1).String()] = Fence{value(max(low, 0)), value(min(high+1, len(m[i])-1))}
	}
	return count, fences
}

func quantile(counts *[64 * 8]int64, total int64, quarter int64) int {
	var seen int64
	for step, n := range counts {
		if seen += n; seen*4 >= total*quarter {
			return step
		}
	}
	return len(counts) - 1
}

// score is what is left of a perfect 1.
func score(rows int64, issues map[string]int64) float64 {
	if rows == 0 {
		return 1
	}
	lost := 0.0
	for code, n := range issues {
		w, ok := weights[code]
		if !ok {
			w = 1
		}
		lost += w * float64(n)
	}
	return max(0, 1-lost/float64(rows))
}
