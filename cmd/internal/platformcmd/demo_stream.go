//go:build !noembed

package platformcmd

import (
	"context"
	"fmt"
	"time"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/querycmd"
	"github.com/txflow/txflow/data"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/embedded"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/source"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/ml_api/client"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/topics"
	"github.com/txflow/txflow/stream/transactions"
	"github.com/txflow/txflow/stream/transactions/classify"
	"github.com/txflow/txflow/stream/transactions/produce"
)

// The demo's live traffic: some of it bad, some sent twice.
const (
	demoLiveSource = "demo-live"
	demoLiveRows   = 2000
	demoGroup      = "txflow-demo"
	demoPatience   = time.Minute
)

// demoStream sends live transactions through Kafka and waits until ClickHouse has read them all.
func demoStream(ctx context.Context, rt *app.Runtime, p *embedded.Platform, api *client.Client, db *store.Store) error {
	_, _ = fmt.Fprintf(rt.Stderr, "\nlive: %s transactions through Kafka, some of them bad, some sent twice\n",
		display.Thousands(demoLiveRows))
	cfg := kafka.Config{Brokers: p.KafkaAddr(), Log: rt.Log}
	rules := transaction.DefaultRules(time.Now())
	rows, err := source.Open(ctx, data.Opener{Rows: demoLiveRows, Seed: 2}, "generated rows",
		source.Options{MaxRecord: source.DefaultMaxRecord, Rules: rules})
	if err != nil {
		return err
	}
	defer rows.Close()
	sink, err := kafka.NewProducer(cfg)
	if err != nil {
		return err
	}
	defer sink.Close()
	sent, err := produce.Run(ctx, rows, sink, produce.Config{Source: demoLiveSource, Bad: 0.01, Duplicates: 0.05, Seed: 1},
		func(produce.Stats) {})
	if err != nil {
		return err
	}
	session, err := kafka.OpenSession(ctx, kafka.SessionConfig{Config: cfg, Topic: topics.Raw, Group: demoGroup,
		Instance: "demo"})
	if err != nil {
		return err
	}
	before, err := db.CountOutcomes(ctx, transactions.Ledger, demoGroup)
	if err != nil {
		return err
	}
	member := &demoMember{want: sent.Messages, all: make(chan struct{})}
	memberCtx, stop := member.context(ctx)
	defer stop()
	handler := classify.New(api, classify.Config{Now: time.Now, BatchRows: 500, Concurrency: 4})
	err = pipeline.New(session, handler, pipeline.Config{Name: transactions.Name, Ledger: transactions.Ledger,
		Topic:       topics.Raw,
		DeadLetters: topics.DeadLetters, Group: demoGroup, Now: time.Now, Tracer: rt.Tracer, Log: rt.Log, Observer: member,
		MaxMessage: pipeline.MessageLimit, BatchMessages: 1000, MaxWait: 50 * time.Millisecond,
		DrainLimit: 5 * time.Second}).Run(memberCtx)
	if closeErr := session.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	live := demoLiveSource
	var report []store.ReportRow
	for deadline := time.Now().Add(demoPatience); ; {
		counts, err := db.CountOutcomes(ctx, transactions.Ledger, demoGroup)
		if err != nil {
			return err
		}
		stored := counts[ledger.OutcomeStored] - before[ledger.OutcomeStored]
		deadLetters := counts[ledger.OutcomeRejected] - before[ledger.OutcomeRejected]
		if report, err = db.Report(ctx, store.ReportQuery{Source: &live}); err != nil {
			return err
		}
		// The ledger's entry of a row is there a moment before the row.
		if stored+deadLetters >= sent.Messages && rowsOf(report) >= stored-sent.Duplicates {
			_, _ = fmt.Fprintf(rt.Stderr, "%s = %s classified + %s, in ClickHouse; %s of them were sent "+
				"twice and count once\n",
				display.Count(sent.Messages, "message"), display.Thousands(stored), display.Count(deadLetters, "dead letter"),
				display.Thousands(sent.Duplicates))
			break
		}
		if time.Now().After(deadline) {
			return fault.Failf(fault.ExitTryAgain, "after %s ClickHouse has read %d of %d messages", demoPatience,
				stored+deadLetters, sent.Messages)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	_, _ = fmt.Fprintln(rt.Stdout, "\nwhat came in live, by category")
	querycmd.ReportTable(rt.Stdout, "category", report, 0)
	return nil
}

// demoMember says when all messages are done.
type demoMember struct {
	want, done int64
	all        chan struct{}
}

// context ends when all messages are done, or after demoPatience.
func (m *demoMember) context(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := context.WithTimeout(ctx, demoPatience)
	go func() {
		select {
		case <-m.all:
			stop()
		case <-ctx.Done():
		}
	}()
	return ctx, stop
}

// Begin implements pipeline.Observer.
func (m *demoMember) Begin(int) {}

// End implements pipeline.Observer.
func (m *demoMember) End(t pipeline.Stats) {
	if t.Aborted {
		return
	}
	if m.done += int64(t.Messages); m.done-int64(t.Messages) < m.want && m.done >= m.want {
		close(m.all)
	}
}

// rowsOf counts the transactions of a report.
func rowsOf(report []store.ReportRow) (n int64) {
	for _, group := range report {
		n += int64(group.Transactions)
	}
	return n
}
