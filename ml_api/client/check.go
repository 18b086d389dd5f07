package client

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/transaction"
)

// Checked is one thing that the contract demands, and whether the service does it.
type Checked struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// Latency is how long calls with so many rows took.
type Latency struct {
	Rows   int           `json:"rows"`
	Calls  int           `json:"calls"`
	Median time.Duration `json:"median_ns"`
	P95    time.Duration `json:"p95_ns"`
	Most   time.Duration `json:"most_ns"`
}

// Report is what Check found.
type Report struct {
	Model     string    `json:"model_version"` // "" when the service names none
	Checks    []Checked `json:"checks"`
	Latencies []Latency `json:"latencies"`
}

// OK reports whether the service keeps to the contract.
func (r *Report) OK() bool {
	return !slices.ContainsFunc(r.Checks, func(c Checked) bool { return !c.OK })
}

// checker collects what calls come to.
type checker struct {
	client *Client
	report Report
}

// Check asks the service whatever the contract says something about, with batches of up to rows transactions and
// several calls a size. The error is one that ends the check: exit code 69 when the service can not be had.
func (c *Client) Check(ctx context.Context, rows, calls int) (*Report, error) {
	model, err := c.Model(ctx)
	if err != nil {
		return nil, err
	}
	k := &checker{client: c}
	k.report.Model = model
	k.add("GET /health", nil, "model "+orNone(model))
	if status, _, err := k.post(ctx, []byte("[]")); err != nil {
		return nil, err
	} else if status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound ||
		status >= http.StatusInternalServerError {
		return nil, c.misconfigured(&exchange{outcome: outcome{status: status}, body: "to an empty array"})
	}
	for _, check := range []func(context.Context) error{k.empty, k.invalid, k.notAnArray} {
		if err := check(ctx); err != nil {
			return nil, err
		}
	}
	for _, n := range sizes(rows) {
		if err := k.size(ctx, n, calls); err != nil {
			return nil, err
		}
	}
	return &k.report, nil
}

// sizes are 1, 2, 10, 100, … and the largest.
func sizes(most int) []int {
	all := []int{1}
	for n := 2; n < most; {
		all = append(all, n)
		if n == 2 {
			n = 10
		} else {
			n *= 10
		}
	}
	if most > 1 {
		all = append(all, most)
	}
	return all
}

func orNone(model string) string {
	if model == "" {
		return "not named"
	}
	return fmt.Sprintf("%q", model)
}

func (k *checker) add(name string, err error, detail string) {
	if err != nil {
		detail = err.Error()
	}
	k.report.Checks = append(k.report.Checks, Checked{name, err == nil, detail})
}

// post makes one call and returns its status and answer.
func (k *checker) post(ctx context.Context, body []byte) (status int, answer []byte, err error) {
	c := k.client
	ctx, cancel := context.WithTimeout(ctx, c.cfg.CallTimeout)
	defer cancel()
	p := &payload{bytes: body}
	p.holders.Store(2) // it is never pooled
	request := c.http.R().SetContext(withPayload(ctx, p))
	request.Header = http.Header{"Content-Type": jsonType, "Accept": jsonType, "User-Agent": userAgent}
	c.authorize(request.Header)
	response, err := request.Post(c.predict)
	if err != nil {
		return 0, nil, fault.Fail(fault.ExitUnavailable, fmt.Errorf("the ML API at %s: %w", c.where, plainError(err)))
	}
	defer func() { _ = response.RawBody().Close() }() // it was read as far as it is wanted
	answer, err = readBounded(nil, response.RawBody(), int(response.RawResponse.ContentLength),
		answerBase+answerPerItem*c.cfg.MaxBodyBytes/100)
	if err != nil {
		return 0, nil, fault.Fail(fault.ExitUnavailable, fmt.Errorf("the ML API at %s: %w", c.where, plainError(err)))
	}
	return response.StatusCode(), answer, nil
}

func (k *checker) empty(ctx context.Context) error {
	status, answer, err := k.post(ctx, []byte("[]"))
	if err != nil {
		return err
	}
	var wrong error
	if status != http.StatusOK || string(bytes.TrimSpace(answer)) != "[]" {
		wrong = fmt.Errorf("it answers %d and %d bytes, want 200 and []", status, len(answer))
	}
	k.add("an empty array", wrong, "is answered with one")
	return nil
}

// invalid sends three transactions of which the second has a text as its amount.
func (k *checker) invalid(ctx context.Context) error {
	rows := SampleRows(3)
	parts := make([]string, len(rows))
	for i := range rows {
		parts[i] = strings.Trim(string(AppendTransactions(nil, rows[i:i+1])), "[]")
	}
	parts[1] = strings.Replace(parts[1], `"amount":`, `"amount":"no number","was":`, 1)
	status, answer, err := k.post(ctx, []byte("["+strings.Join(parts, ",")+"]"))
	if err != nil {
		return err
	}
	var wrong error
	switch blamed := blamedItems(answer, len(rows)); {
	case status != http.StatusUnprocessableEntity:
		wrong = fmt.Errorf("it answers %d, want 422", status)
	case !isProblem(answer):
		wrong = fmt.Errorf(`the body of 422 is not {"detail": …}`)
	case !slices.Equal(blamed, []int{1}):
		wrong = fmt.Errorf("its loc does not point to the item, [\"body\", 1, \"amount\"]")
	}
	k.add("an invalid amount", wrong, "422 that points to the item")
	return nil
}

func (k *checker) notAnArray(ctx context.Context) error {
	status, answer, err := k.post(ctx, []byte("{}"))
	if err != nil {
		return err
	}
	var wrong error
	if status != http.StatusUnprocessableEntity || !isProblem(answer) {
		wrong = fmt.Errorf(`it answers %d, want 422 with {"detail": …}`, status)
	}
	k.add("an object", wrong, "422")
	return nil
}

// size sends batches of n rows and looks at ids, order, categories and models.
func (k *checker) size(ctx context.Context, n, calls int) error {
	rows := SampleRows(n)
	body := AppendTransactions(nil, rows)
	took := make([]time.Duration, calls)
	var wrong error
	seen := map[transaction.Category]bool{}
	for i := range took {
		began := time.Now()
		status, answer, err := k.post(ctx, body)
		if err != nil {
			return err
		}
		took[i] = time.Since(began)
		if wrong = k.answer(status, answer, rows, seen); wrong != nil {
			break
		}
	}
	k.add(display.Count(n, "row"), wrong,
		fmt.Sprintf("each id once and in order, %d of the %d categories, %d bytes a call", len(seen),
			k.client.cfg.Categories.Len(), len(body)))
	if wrong == nil {
		slices.Sort(took)
		k.report.Latencies = append(k.report.Latencies, Latency{Rows: n, Calls: calls, Median: took[len(took)/2],
			P95: took[len(took)*95/100], Most: took[len(took)-1]})
	}
	return nil
}

func (k *checker) answer(status int, answer []byte, rows []transaction.Transaction,
	seen map[transaction.Category]bool) error {
	if status != http.StatusOK {
		return fmt.Errorf("it answers %d, want 200", status)
	}
	answers, model, err := parseAnswers(nil, answer, k.client.cfg.Categories)
	if err != nil {
		return err
	}
	if len(answers) != len(rows) {
		return fmt.Errorf("%s for %s", display.Count(len(answers), "answer"), display.Count(len(rows), "row"))
	}
	for i := range answers {
		if answers[i].id != rows[i].ID {
			return fmt.Errorf("answer %d is of another id: there must be one an id, in the order of the question", i)
		}
		seen[answers[i].category] = true
	}
	if expect := k.client.cfg.ExpectModel; expect != "" && model != expect {
		return fmt.Errorf("the model is %s, expected is %q", orNone(model), expect)
	}
	if k.report.Model == "" {
		k.report.Model = model
	}
	return nil
}

// SampleRows makes n generated transactions, always the same ones.
func SampleRows(n int) []transaction.Transaction {
	rows := make([]transaction.Transaction, n)
	for i := range rows {
		rows[i] = transaction.Transaction{ID: transaction.DeriveID("txflow-check", fmt.Appendf(nil, "%d", i)),
			Description: fmt.Sprintf("Check of the contract, row %d: é \" \\ \u2028", i),
			Amount:      transaction.Amount(-10_000 * (i%97 + 1)), Timestamp: time.Date(2024, 1, 31, 12, 0, i%60, 0, time.UTC),
			Merchant: "Café", HasMerchant: i%3 > 0,
			OperationType: "card_payment", Side: transaction.Debit}
	}
	return rows
}
