package readers

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/status"
	"github.com/txflow/txflow/stream/topics"
)

// Look looks at groups by name and topic. One of events has no partitions where the cluster has no topics of events
// yet.
func Look(ctx context.Context, at *kafka.Status, groups [][2]string) ([]status.Look, error) {
	looks := make([]status.Look, len(groups))
	for i, g := range groups {
		var err error
		looks[i], err = at.Look(ctx, g[0], g[1])
		if err != nil && !(errors.Is(err, status.ErrNoTopic) && strings.HasPrefix(g[1], events.Name+".")) {
			return nil, err
		}
	}
	return looks, nil
}

// Stalled says of each group that is one of ClickHouse's why it does not progress; "" where it does. The error is one
// of ClickHouse.
func Stalled(ctx context.Context, db *store.Store, limit time.Duration, before, now []status.Look) (map[string]string,
	error) {
	tables, err := Tables(ctx, db)
	stalled := map[string]string{}
	for i := range tables {
		group := tables[i].Group
		of := func(l status.Look) bool { return l.Group == group && len(l.Partitions) > 0 }
		if at := slices.IndexFunc(now, of); at >= 0 {
			stalled[group] = status.Judge(before[at], now[at], &tables[i].State, limit).Text
		}
	}
	return stalled, err
}

// Looker looks at the groups of the stream for the page.
type Looker struct {
	status  *kafka.Status
	db      *store.Store
	groups  [][2]string
	stalled time.Duration
}

// lookTime bounds a look: the page shows what it knows meanwhile.
const lookTime = 5 * time.Second

// NewLooker looks at the groups of classify and refine, and at ClickHouse's. closed ends it.
func NewLooker(cfg kafka.Config, db *store.Store, classify, refine string, stalled time.Duration) (_ *Looker,
	closed func(), err error) {
	at, err := kafka.OpenStatus(cfg)
	if err != nil {
		return nil, nil, err
	}
	s := &Looker{status: at, db: db, groups: [][2]string{{classify, topics.Raw}}, stalled: stalled}
	for _, r := range All {
		s.groups = append(s.groups, [2]string{r.Group, r.Topic})
	}
	s.groups = append(s.groups, [2]string{refine, events.Raw})
	return s, func() { _ = at.Close() }, nil // it only read
}

// Look implements ui.Looker.
func (s *Looker) Look(ctx context.Context) ([]status.Look, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	looks, err := Look(ctx, s.status, s.groups)
	return slices.DeleteFunc(looks, func(l status.Look) bool { return len(l.Partitions) == 0 }), err
}

// Stalled implements ui.Looker.
func (s *Looker) Stalled(ctx context.Context, before, now []status.Look) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	stalled, err := Stalled(ctx, s.db, s.stalled, before, now)
	if err != nil { // the page says by itself that ClickHouse does not answer
		return nil
	}
	return stalled
}
