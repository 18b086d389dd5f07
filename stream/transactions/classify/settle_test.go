package classify

import (
	"context"
	"sync"
	"testing"

	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/topics"
)

// outOfOrder is an ML API that refuses every row until it has refused so many calls after it was found to be out of
// order; the wait for an operator is the client's.
type outOfOrder struct {
	predictor
	refusals *prediction.Refusals
	mu       sync.Mutex
	probes   int // so many calls more are refused
}

func (p *outOfOrder) Predict(ctx context.Context, rows []transaction.Transaction) (prediction.Result, error) {
	for {
		leave, err := p.refusals.Enter(ctx)
		if err != nil {
			return prediction.Result{}, err
		}
		r, ok := p.ask(ctx, rows)
		leave()
		if ok {
			return r, nil
		}
	}
}

func (p *outOfOrder) ask(ctx context.Context, rows []transaction.Transaction) (prediction.Result, bool) {
	r, err := p.predictor.Predict(ctx, rows)
	if err != nil {
		return r, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.probes == 0 {
		p.refusals.Classified(len(rows))
		return r, true
	}
	if p.refusals.Tripped() {
		p.probes--
	}
	for i := range rows {
		at, tripped := p.refusals.Refused()
		if tripped {
			return r, false
		}
		r.Items[i] = prediction.Item{Refusal: &prediction.Refusal{Status: 422, Message: "nothing today", At: at}}
	}
	return r, true
}

// TestAnAPIThatRefusesEverythingMakesNoDeadLetters sends small transactions, of which the first are refused before it
// can be known.
func TestAnAPIThatRefusesEverythingMakesNoDeadLetters(t *testing.T) {
	t.Parallel()
	l, cfg := &memorySession{}, newConfig()
	for i := range 300 {
		l.source = append(l.source, raw(i, "a"))
	}
	cfg.handler.Refusals, cfg.BatchMessages, cfg.handler.BatchRows = prediction.NewRefusals(prediction.DefaultMaxRefused),
		60, 20
	p := &outOfOrder{refusals: cfg.handler.Refusals, probes: 3}
	o, err := classifyAll(t, l, p, cfg)
	if err != nil || len(l.written) != 300 {
		t.Fatalf("%v, %d written", err, len(l.written))
	}
	for i, r := range l.written {
		if r.Topic != topics.Classified {
			t.Fatalf("%d is in %s", i, r.Topic)
		}
	}
	for _, s := range o.seen {
		if len(s.DeadLetters) != 0 {
			t.Errorf("dead letters are counted: %v", s.DeadLetters)
		}
	}
	if p.probes != 0 {
		t.Errorf("%d probes are left", p.probes)
	}
}

// TestOnePoisonMessageInQuietTraffic is a dead letter after a short wait.
func TestOnePoisonMessageInQuietTraffic(t *testing.T) {
	t.Parallel()
	l, cfg := &memorySession{source: []pipeline.Message{raw(0, "poison")}}, newConfig()
	cfg.handler.Refusals = prediction.NewRefusals(prediction.DefaultMaxRefused)
	if _, err := classifyAll(t, l, counted{&predictor{}, cfg.handler.Refusals}, cfg); err != nil || len(l.written) != 1 ||
		l.written[0].Topic != topics.DeadLetters {
		t.Errorf("%v, written %v", err, l.written)
	}
}

// counted counts refusals as the client does.
type counted struct {
	*predictor
	refusals *prediction.Refusals
}

func (p counted) Predict(ctx context.Context, rows []transaction.Transaction) (prediction.Result, error) {
	r, err := p.predictor.Predict(ctx, rows)
	for i := range r.Items {
		if refusal := r.Items[i].Refusal; refusal != nil {
			refusal.At, _ = p.refusals.Refused()
		} else {
			p.refusals.Classified(1)
		}
	}
	return r, err
}
