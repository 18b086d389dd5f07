package analytics

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/stream/pipeline"
)

// place is gold and the topic, in memory. Its faults are random: messages that are written although the publisher
// gets an error for them, and looks that end in the middle.
type place struct {
	r       *rand.Rand
	faults  bool
	looks   int // at the roll-ups
	gold    map[string]event.Rollup
	changed map[string]bool // since the last look
	gone    bool            // something was taken away since
	found   map[string]bool // what was changed at the last look
	topic   []pipeline.Record
}

var errBroken = errors.New("broken")

func (p *place) broken() error {
	if p.faults && p.r.IntN(12) == 0 {
		return errBroken
	}
	return nil
}

func (p *place) EnterEvents(_ context.Context, last event.RollupLook) (event.RollupLook, error) {
	look := event.RollupLook{Compared: time.Unix(1, 0), Entered: int64(len(p.changed)),
		All: p.gone || last.Compared.IsZero()}
	if err := p.broken(); err != nil {
		return look, err
	}
	p.found, p.changed, p.gone = p.changed, map[string]bool{}, false
	return look, nil
}

func (p *place) EventRollups(_ context.Context, look event.RollupLook, visit func(*event.Rollup) error) error {
	p.looks++
	for key, r := range p.gold {
		if !look.All && !p.found[key] {
			continue
		}
		if err := errors.Join(p.broken(), visit(&r)); err != nil {
			return err
		}
	}
	return nil
}

func (p *place) Send(_ context.Context, r pipeline.Record) error {
	p.topic = append(p.topic, pipeline.Record{Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value)})
	return p.broken()
}

func (p *place) Flush(context.Context) error { return p.broken() }

func (p *place) read(_ context.Context, visit func(*pipeline.Message) error) error {
	for _, r := range p.topic {
		if err := errors.Join(p.broken(), visit(&pipeline.Message{Key: r.Key, Value: r.Value})); err != nil {
			return err
		}
	}
	return nil
}

func (p *place) publisher() *Publisher {
	return New(Config{Gold: p, Read: p.read, Sink: p, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
}

// compacted is what the topic has by key.
func (p *place) compacted() map[string]string {
	found := map[string]string{}
	for _, r := range p.topic {
		if found[string(r.Key)] = string(r.Value); r.Value == nil {
			delete(found, string(r.Key))
		}
	}
	return found
}

// TestConverges changes gold between looks of publishers that fail and die at any place. In the end the topic says what
// gold says, key by key, and a look at what is the same writes nothing.
func TestConverges(t *testing.T) {
	t.Parallel()
	failed := 0
	for seed := range uint64(30) {
		p := &place{r: rand.New(rand.NewPCG(seed, 5)), faults: true, gold: map[string]event.Rollup{},
			changed: map[string]bool{}}
		publisher := p.publisher()
		for range 60 {
			for range p.r.IntN(4) {
				r := event.Rollup{Kind: event.RollupHour, Account: fmt.Sprint("a", p.r.IntN(9)), Type: `A\"B`, Context: "billing",
					Hour: time.Unix(int64(3600*p.r.IntN(3)), 0), Events: p.r.Uint64N(5), AverageScore: "0.9000"}
				if p.r.IntN(3) == 0 {
					r.Kind, r.Hour = event.RollupAccount, time.Time{}
				}
				key, _ := encode(&r)
				if p.gold[string(key)] = r; r.Events == 0 {
					delete(p.gold, string(key)) // erased
					p.gone = true
				}
				p.changed[string(key)] = true
			}
			if p.r.IntN(5) == 0 {
				publisher = p.publisher() // another process
			}
			if _, err := publisher.Publish(t.Context()); err != nil {
				failed++
			}
		}
		p.faults = false
		if _, err := publisher.Publish(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{}
		for _, r := range p.gold {
			key, value := encode(&r)
			want[string(key)] = string(value)
		}
		if got := p.compacted(); !maps.Equal(got, want) {
			t.Fatalf("seed %d: the topic has\n%v, want\n%v", seed, got, want)
		}
		written, looks := len(p.topic), p.looks
		if done, err := publisher.Publish(t.Context()); err != nil || done != (Done{Keys: len(want)}) || p.looks != looks {
			t.Errorf("seed %d: nothing has changed: %+v, %v, %d looks more", seed, done, err, p.looks-looks)
		}
		if done, err := p.publisher().Publish(t.Context()); err != nil || done != (Done{Keys: len(want)}) ||
			len(p.topic) != written {
			t.Errorf("seed %d: another process: %+v, %v, %d messages more", seed, done, err, len(p.topic)-written)
		}
	}
	if failed < 100 {
		t.Errorf("only %d looks failed", failed)
	}
}

// TestMessage has what a roll-up goes by in the key, whatever characters it is of.
func TestMessage(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	r := event.Rollup{Kind: event.RollupHour, Account: `c","d`, Type: `A\B`, Context: "x", Hour: at.Truncate(time.Hour),
		Events: 2, Users: 1, AverageScore: "0.9500", Excellent: 2, Late: 1, FirstEvent: at, LastEvent: at}
	key, value := encode(&r)
	if want := `["hour","c\",\"d","A\\B","x","2026-01-02T03:00:00Z"]`; string(key) != want {
		t.Errorf("key %s, want %s", key, want)
	}
	var m Message
	if err := json.Unmarshal(value, &m); err != nil || m.AccountID != r.Account || m.Events != 2 ||
		m.FirstEventAt != "2026-01-02T03:04:05.000006Z" || m.Hour != "2026-01-02T03:00:00Z" {
		t.Errorf("%s %v", value, err)
	}
}
