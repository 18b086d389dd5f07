package validate

import (
	"math"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/transaction"
)

// TestMagnitudes grow with the amount, whatever its sign, and a step's value is the least amount of it.
func TestMagnitudes(t *testing.T) {
	t.Parallel()
	last := -1
	for u := int64(1); u > 0 && u <= int64(transaction.MaxAmount); u += u/20 + 1 {
		a := transaction.Amount(u)
		step := magnitude(a)
		if step < last || step != magnitude(-a) || step >= len(magnitudes{}[0]) {
			t.Fatalf("%d is of step %d after %d, its negative of %d", u, step, last, magnitude(-a))
		}
		if low := value(step) * transaction.AmountScale; low > float64(u) || low < float64(u)*0.85 && u > 8 {
			t.Fatalf("%d is of step %d, which begins at %g", u, step, low)
		}
		last = step
	}
}

// TestOutliers are far from the rest of their own side; a side with no spread has none but those.
func TestOutliers(t *testing.T) {
	t.Parallel()
	var m magnitudes
	add := func(amount transaction.Amount, side transaction.Side, n int) {
		for range n {
			m.add(&transaction.Transaction{Amount: amount, Side: side})
		}
	}
	add(-100_0000, transaction.Debit, 1000)
	add(-1, transaction.Debit, 1)
	add(-1_000_000_0000, transaction.Debit, 2)
	add(1_000_000_0000, transaction.Credit, 10) // usual on this side
	count, fences := m.outliers()
	if count != 3 || len(fences) != 2 {
		t.Errorf("%d outliers, want 3: %v", count, fences)
	}
	for side, f := range fences {
		if !(f.Low <= f.High) || math.IsInf(f.High, 0) {
			t.Errorf("%s: from %g to %g", side, f.Low, f.High)
		}
	}
	var half, other magnitudes
	half.add(&transaction.Transaction{Amount: 5, Side: transaction.Debit})
	other.merge(&half)
	other.merge(&half)
	if other[transaction.Debit-1][magnitude(5)] != 2 {
		t.Error("merged counts are not added up")
	}
	if count, fences := new(magnitudes).outliers(); count != 0 || len(fences) != 0 {
		t.Errorf("of no rows %d, %v", count, fences)
	}
}

func TestScore(t *testing.T) {
	t.Parallel()
	for want, c := range map[float64]struct {
		rows   int64
		issues map[string]int64
	}{
		1:    {0, nil},
		0.9:  {10, map[string]int64{IssueDescription: 10, IssueMerchant: 10}},
		0.5:  {10, map[string]int64{IssueDuplicate: 10}},
		0.7:  {10, map[string]int64{"amount_format": 3}},
		0:    {10, map[string]int64{"amount_format": 10, IssueDuplicate: 10}},
		0.95: {10, map[string]int64{IssueOutlier: 5}},
	} {
		if got := score(c.rows, c.issues); math.Abs(got-want) > 1e-9 {
			t.Errorf("%d rows with %v: %g, want %g", c.rows, c.issues, got, want)
		}
	}
}

// TestRejectsSayWhatTheFileHasToDoWithIt, and never a value of the row.
func TestRejectsSayWhatTheFileHasToDoWithIt(t *testing.T) {
	t.Parallel()
	rules := &transaction.Rules{DecimalPoint: '.'}
	grouped := &transaction.Rules{DecimalPoint: ',', Thousands: '.'}
	for _, c := range []struct {
		code  transaction.Code
		rules *transaction.Rules
		raw   string
		want  string
	}{
		{transaction.CodeAmountFormat, rules, "1,5", `which is "." here; --decimal and --thousands`},
		{transaction.CodeAmountFormat, grouped, "1,5", `which is "," here, with "." between groups`},
		{transaction.CodeUTF8, rules, "caf\xe9", "iconv -f WINDOWS-1252"},
		{transaction.CodeUTF8, rules, "é and \xff", ""}, // some of it is UTF-8
		{transaction.CodeUTF8, rules, "\x81\xe9", ""},   // undefined in Windows-1252
		{transaction.CodeAmountZero, rules, "0.00", ""}, // nothing to say
	} {
		text := message(c.code, c.rules, []byte(c.raw))
		hint := strings.TrimPrefix(text, c.code.Message())
		if (hint == "") != (c.want == "") || !strings.Contains(hint, c.want) || strings.Contains(hint, c.raw) {
			t.Errorf("%s of %q: %s", c.code, c.raw, text)
		}
	}
}
