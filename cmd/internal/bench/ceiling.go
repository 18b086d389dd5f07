package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/ml_api/client"
)

const (
	ceilingTime = 4 * time.Second
	bodyRows    = 500
)

// ceiling asks the ML API as fast as it answers: bodies are encoded beforehand and answers are not looked at.
func (b *bencher) ceiling(ctx context.Context, _ options, r *report) error {
	rows := make([]transaction.Transaction, bodyRows)
	for i := range rows {
		rows[i] = transaction.Transaction{ID: transaction.ID{0: 7, 6: 0x50, 8: 0x80, 14: byte(i >> 8), 15: byte(i)},
			Amount: -9524000, Side: transaction.Debit,
			Description: "Card expense at EDF", Timestamp: time.Date(2023, 11, 28, 6, 35, 12, i*1000, time.UTC), Merchant: "EDF",
			HasMerchant: true, OperationType: "refund"}
	}
	body := client.AppendTransactions(nil, rows)
	transport := &http.Transport{MaxIdleConnsPerHost: 16, DisableCompression: true}
	defer transport.CloseIdleConnections()
	asker := &http.Client{Transport: transport}
	askers := 4 * runtime.GOMAXPROCS(0)
	calls := make([]int, askers)
	start := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for i := range askers {
		group.Go(func() error {
			for time.Since(start) < ceilingTime {
				if err := ask(ctx, asker, b.mlAPI+"/predict", body); err != nil {
					return err
				}
				calls[i]++
			}
			return nil
		})
	}
	err := group.Wait()
	total := 0
	for _, n := range calls {
		total += n
	}
	r.ceiling = float64(total*bodyRows) / time.Since(start).Seconds()
	say("ML API alone: %.0f rows/s", r.ceiling)
	return err
}

func ask(ctx context.Context, asker *http.Client, url string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := asker.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the ML API answers %s", resp.Status)
	}
	return nil
}
