package message

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/internal/transaction"
)

func parser() *Parser {
	return &Parser{Rules: transaction.DefaultRules(time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC))}
}

const good = `{"id":17,"description":"Card expense at EDF","amount":-952.4,"timestamp":"2023-11-28T06:35:12Z",` +
	`"merchant":"EDF","operation_type":"refund","side":"debit","source":"bank"}`

func TestParse(t *testing.T) {
	t.Parallel()
	var p Parsed
	if v := parser().Parse([]byte(good), &p); v.Code != transaction.CodeOK || p.Source != "bank" ||
		p.Transaction.ID != transaction.DeriveID("bank", []byte("17")) ||
		p.Transaction.Amount.String() != "-952.4" || p.Transaction.Merchant != "EDF" {
		t.Errorf("%+v %+v", v, p)
	}
	again := AppendRaw(nil, &p.Transaction, p.Source)
	var q Parsed
	if v := parser().Parse(again, &q); v.Code != transaction.CodeOK || q != p {
		t.Errorf("%s is %+v %+v, want %+v", again, v, q, p)
	}
	for text, want := range map[string]transaction.Violation{
		``:               {Code: transaction.CodeMessage},
		`[]`:             {Code: transaction.CodeMessage},
		`{"id":1`:        {Code: transaction.CodeMessage},
		`{"id":{}}`:      {Code: transaction.CodeMessage, Column: "id"},
		"{\"id\":\"\xff": {Code: transaction.CodeUTF8},
		`null`:           {Code: transaction.CodeMessage},
		`{"id":1}`:       {Code: transaction.CodeMissing, Column: "amount"},
		`{"id":"1","amount":1e3,"timestamp":"2023-11-28T06:35:12Z","operation_type":"x",` +
			`"side":"credit"}`: {Code: transaction.CodeAmountFormat, Column: "amount"},
		`{"id":"1","amount":"1","timestamp":"yesterday","operation_type":"x",` +
			`"side":"credit"}`: {Code: transaction.CodeTimestamp, Column: "timestamp"},
		`{"id":"1","amount":"1","timestamp":"2023-11-28T06:35:12Z","operation_type":"x",` +
			`"side":"debit"}`: {Code: transaction.CodeSideMismatch, Column: "side"},
		`{"id":"1","amount":"1","timestamp":"2023-11-28T06:35:12Z","operation_type":"x",` +
			`"side":"credit"} more`: {Code: transaction.CodeMessage},
		`{"id":"1","description":"a\u0000b","amount":"1","timestamp":"2023-11-28T06:35:12Z",` +
			`"side":"credit"}`: {Code: transaction.CodeControl, Column: "description"},
		`{"id":"1","amount":"1,5","timestamp":"2023-11-28T06:35:12Z","operation_type":"x",` +
			`"side":"credit"}`: {Code: transaction.CodeAmountFormat, Column: "amount"},
		`{"id":"1","amount":"1.23456","timestamp":"2023-11-28T06:35:12Z","operation_type":"x",` +
			`"side":"credit"}`: {Code: transaction.CodeAmountScale, Column: "amount"},
	} {
		if got := parser().Parse([]byte(text), &p); got != want {
			t.Errorf("%s gives %+v, want %+v", text, got, want)
		}
	}
}

// TestIdentityOfABadMessage is what a later, corrected message is matched by.
func TestIdentityOfABadMessage(t *testing.T) {
	t.Parallel()
	var p Parsed
	if v := parser().Parse([]byte(strings.Replace(good, "-952.4", "0", 1)), &p); v.Code != transaction.CodeAmountZero ||
		p.Source != "bank" ||
		p.Transaction.SourceID != "17" || p.Transaction.ID != transaction.DeriveID("bank", []byte("17")) {
		t.Errorf("%+v %+v", v, p)
	}
	if parser().Parse([]byte(`{"id":" ","amount":"1"}`), &p); p.Transaction.SourceID != "" {
		t.Errorf("%+v", p)
	}
}

// TestClassified compares with encoding/json.
func TestClassified(t *testing.T) {
	t.Parallel()
	var p Parsed
	parser().Parse([]byte(strings.Replace(good, "Card expense at EDF", `tab\\t \"quote\" é`, 1)), &p)
	call := json.RawMessage(`{"pipeline":"stream"}`)
	row := ledger.Classified{Transaction: p.Transaction, ContentHash: 1 << 63,
		Category: transaction.DefaultCategories.At(3), Origin: ledger.Origin{Position: 42}, Version: 1764118577123456}
	for range 2 {
		tr := &row.Transaction
		want := Classified{ID: tr.ID.String(), SourceID: "17", Description: tr.Description, Amount: "-952.4",
			Timestamp:     "2023-11-28 06:35:12.000000",
			OperationType: "refund", Side: "debit", Category: transaction.DefaultCategories.At(3).String(), Position: 42,
			ContentHash: 1 << 63, VersionUS: 1764118577123456, Call: call}
		if tr.HasMerchant {
			want.Merchant = &tr.Merchant
		}
		if got := AppendClassified(nil, &row, call); string(got) != string(encode(want)) {
			t.Errorf("got  %s\nwant %s", got, encode(want))
		}
		row.Transaction.HasMerchant = false
	}
}
