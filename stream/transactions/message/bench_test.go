package message

import (
	"encoding/json"
	"strings"
	"testing"

	jsonlibrary "github.com/go-json-experiment/json"

	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/transaction"
)

// BenchmarkParse compares the scanner with the library that reads what the scanner does not, and an escape.
func BenchmarkParse(b *testing.B) {
	for name, text := range map[string]string{"usual": good, "escaped": strings.Replace(good, "EDF", `\u00c9DF`, 1)} {
		b.Run(name, func(b *testing.B) {
			r, value := parser(), []byte(text)
			var p Parsed
			b.ReportAllocs()
			for b.Loop() {
				if v := r.Parse(value, &p); v.Code != transaction.CodeOK {
					b.Fatal(v)
				}
			}
		})
	}
	value := []byte(good)
	var fields transaction.Fields
	var source []byte
	b.Run("scan alone", func(b *testing.B) {
		for b.Loop() {
			if !scan(value, &fields, &source) {
				b.Fatal("not scanned")
			}
		}
	})
	b.Run("library alone", func(b *testing.B) {
		var r reader
		for b.Loop() {
			if v := r.read(value, &fields, &source); v.Code != transaction.CodeOK {
				b.Fatal(v)
			}
		}
	})
}

// BenchmarkClassified compares the writer by hand with the libraries.
func BenchmarkClassified(b *testing.B) {
	var p Parsed
	parser().Parse([]byte(good), &p)
	call := []byte(`{"pipeline":"stream","run_id":"txflow-classify","task_try":1,"source":"bank",` +
		`"origin":"transactions.raw"}`)
	row := ledger.Classified{Transaction: p.Transaction, ContentHash: 1 << 63,
		Category: transaction.DefaultCategories.At(3), Origin: ledger.Origin{Position: 42}, Version: 1764118577123456}
	of := func() Classified {
		t := &row.Transaction
		c := Classified{ID: t.ID.String(), SourceID: t.SourceID, Description: t.Description, Amount: t.Amount.String(),
			Timestamp: t.Timestamp.UTC().Format(timestampLayout), OperationType: t.OperationType, Side: t.Side.String(),
			Category: row.Category.String(), Position: row.Origin.Position, ContentHash: row.ContentHash, VersionUS: row.Version,
			Call: call}
		if t.HasMerchant {
			c.Merchant = &t.Merchant
		}
		return c
	}
	for name, write := range map[string]func() error{
		"by hand":       func() error { _ = AppendClassified(make([]byte, 0, 1024), &row, call); return nil },
		"encoding/json": func() error { _, err := json.Marshal(of()); return err },
		"json v2":       func() error { _, err := jsonlibrary.Marshal(of()); return err },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := write(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
