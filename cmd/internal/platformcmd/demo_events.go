//go:build !noembed

package platformcmd

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/eventscmd"
	"github.com/txflow/txflow/internal/embedded"
	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/events/collect"
	"github.com/txflow/txflow/stream/events/refine"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/pipeline"
)

// demoPackage is what the demo sends, twice: two good events with ids of their own, and one that lacks its account.
//
//go:embed demo_package.json
var demoPackage string

// demoAnswer is what the collector says of a package.
type demoAnswer struct {
	Accepted, Rejected int
	Items              []struct {
		ID, Code, Pointer string
		Status            int
	}
}

// demoEvents sends a package of business events to a collector, twice, and shows one of them from there to gold.
func demoEvents(ctx context.Context, rt *app.Runtime, p *embedded.Platform, db *store.Store) error {
	cfg := kafka.Config{Brokers: p.KafkaAddr(), Log: rt.Log}
	const sent = 2
	_, _ = fmt.Fprintf(rt.Stderr, "\nevents: a package is sent to POST /collect, %d times\n", sent)
	var answer demoAnswer
	accepted := 0
	err := withCollector(ctx, rt, cfg, func(url string) (err error) {
		for range sent {
			if answer, err = postDemoPackage(ctx, url); err != nil {
				return err
			}
			accepted += answer.Accepted
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := refineDemo(ctx, rt, cfg, int64(accepted)); err != nil {
		return err
	}
	for _, item := range answer.Items {
		want := store.EventGold
		if item.Status != http.StatusAccepted {
			want = store.EventDead
		}
		if err := awaitEvent(ctx, db, item.ID, want); err != nil {
			return err
		}
	}
	_, _ = fmt.Fprintf(rt.Stderr, "a package of %d events: %d accepted, %d rejected; sent %d times, each counts once\n",
		len(answer.Items), answer.Accepted, answer.Rejected, sent)
	return showDemoEvents(ctx, rt, db, &answer)
}

// withCollector serves a collector on a free port while work runs.
func withCollector(ctx context.Context, rt *app.Runtime, cfg kafka.Config, work func(url string) error) error {
	publisher, err := kafka.NewPublisher(cfg, collect.DefaultAckTimeout)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		publisher.Close(closing)
	}()
	s, err := collect.New(collect.Config{Addr: "127.0.0.1:0", Publisher: publisher, Schema: collect.FixedSchema(1),
		TracerProvider: rt.TracerProvider, Propagator: rt.Propagator, Logger: rt.Log})
	if err != nil {
		return err
	}
	listener, err := s.Listen(ctx)
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- s.Serve(serving, listener) }()
	err = work("http://" + listener.Addr().String())
	stop()
	if serveErr := <-served; err == nil {
		err = serveErr
	}
	return err
}

func postDemoPackage(ctx context.Context, url string) (answer demoAnswer, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/collect", strings.NewReader(demoPackage))
	if err != nil {
		return answer, err
	}
	request.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.NewDecoder(bytes.NewReader(body)).Decode(&answer)
	}
	if err != nil || resp.StatusCode != http.StatusMultiStatus {
		return answer, fault.Failf(fault.ExitFault, "the collector answers %d %.300s: %w", resp.StatusCode, body, err)
	}
	return answer, nil
}

// refineDemo has a member of refine do so many messages.
func refineDemo(ctx context.Context, rt *app.Runtime, cfg kafka.Config, messages int64) error {
	rules, err := refine.OpenRules("", rt.Log)
	if err != nil {
		return err
	}
	handler := refine.New(refine.Config{Now: time.Now, Log: rt.Log, Rules: rules, Window: refine.DefaultWindow,
		MaxIDs: refine.DefaultMaxIDs,
		Claims: kafka.Topic{Config: cfg, Name: events.Claims}, Silver: kafka.Topic{Config: cfg, Name: events.Silver}})
	session, err := kafka.OpenSession(ctx, kafka.SessionConfig{Config: cfg, Topic: events.Raw, Group: events.Group,
		Instance: "demo"})
	if err != nil {
		return err
	}
	member := &demoMember{want: messages, all: make(chan struct{})}
	memberCtx, stop := member.context(ctx)
	defer stop()
	err = pipeline.New(session, handler, pipeline.Config{Name: events.Name, Ledger: events.Ledger, Topic: events.Raw,
		DeadLetters: events.DeadLetters,
		Group:       events.Group, Now: time.Now, Tracer: rt.Tracer, Log: rt.Log, Observer: member,
		MaxMessage:    pipeline.MessageLimit,
		BatchMessages: 1000, MaxWait: 50 * time.Millisecond, DrainLimit: 5 * time.Second}).Run(memberCtx)
	if closeErr := session.Close(); err == nil {
		err = closeErr
	}
	return err
}

// awaitEvent waits until ClickHouse has an event in a state.
func awaitEvent(ctx context.Context, db *store.Store, text, state string) error {
	id, _ := event.ParseID(text)
	for deadline := time.Now().Add(demoPatience); ; {
		is, err := db.EventState(ctx, id)
		if err != nil || is != nil && is.State == state {
			return err
		}
		if time.Now().After(deadline) {
			return fault.WithHint(fault.Failf(fault.ExitTryAgain, "after %s the event %s is not in the state %s", demoPatience,
				text, state), "txflow platform, then txflow stream status shows how far ClickHouse is")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// showDemoEvents prints the report, and the first event's way.
func showDemoEvents(ctx context.Context, rt *app.Runtime, db *store.Store, answer *demoAnswer) error {
	rows, err := db.EventReport(ctx, store.EventReportQuery{By: "type"})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(rt.Stdout, "\nbusiness events in gold, by type")
	eventscmd.ReportTable(rt.Stdout, "type", rows, 0)
	id, _ := event.ParseID(answer.Items[0].ID)
	st, err := eventscmd.Story(ctx, db, id)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(rt.Stdout, "\none of them, from its package to gold")
	return eventscmd.Show(rt.Stdout, st)
}
