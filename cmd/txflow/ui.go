package main

import (
	"context"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/uicmd"
	"github.com/txflow/txflow/internal/ui"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/status"
	"github.com/txflow/txflow/stream/topics"
)

func uiCommand() *cli.Command {
	return uicmd.Command(openStreamLook, batchcmd.Flags([]cli.Flag{groupFlag, stalledFlag}, kafkaFlags))
}

// streamLook looks at the groups of the stream for the page.
type streamLook struct {
	status  *kafka.Status
	db      *store.Store
	groups  [][2]string
	stalled time.Duration
}

// lookTime bounds a look: the page shows what it knows meanwhile.
const lookTime = 5 * time.Second

func openStreamLook(c *cli.Context, rt *app.Runtime, db *store.Store) (ui.Looker, func(), error) {
	cfg, err := kafkaConfig(c, rt)
	if err := app.Usage(c, err); err != nil {
		return nil, nil, err
	}
	if err := positive(c, stalledFlag.Name); err != nil {
		return nil, nil, err
	}
	return newStreamLook(cfg, db, c.String("group"), c.Duration(stalledFlag.Name))
}

func newStreamLook(cfg kafka.Config, db *store.Store, group string, stalled time.Duration) (ui.Looker, func(), error) {
	at, err := kafka.OpenStatus(cfg)
	if err != nil {
		return nil, nil, err
	}
	s := &streamLook{status: at, db: db, groups: [][2]string{{group, topics.Raw}}, stalled: stalled}
	for _, r := range clickHouseReaders {
		s.groups = append(s.groups, [2]string{r.group, r.topic})
	}
	return s, func() { _ = at.Close() }, nil // it only read
}

// Look implements ui.Looker.
func (s *streamLook) Look(ctx context.Context) ([]status.Look, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	looks, err := lookAt(ctx, s.status, s.groups)
	return slices.DeleteFunc(looks, func(l status.Look) bool { return len(l.Partitions) == 0 }), err
}

// Stalled implements ui.Looker.
func (s *streamLook) Stalled(ctx context.Context, before, now []status.Look) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	stalled, err := stalledOf(ctx, s.db, s.stalled, before, now)
	if err != nil { // the page says by itself that ClickHouse does not answer
		return nil
	}
	return stalled
}
