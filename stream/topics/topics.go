// Package topics describes the stream's topics as code and says what must be done for a broker to have them.
package topics

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/txflow/txflow/internal/batch"
)

// Names of the topics.
const (
	Raw         = "transactions.raw"
	Classified  = "transactions.classified"
	DeadLetters = "transactions.dlq"
)

// Topic is what a topic should be.
type Topic struct {
	Name       string
	Partitions int
	Replicas   int
	Config     map[string]string // by Kafka's names for the settings of topics
}

// All are the stream's topics. Dead letters are kept long enough to be mended. The broker notes when a message came: versions
// and retention go by its clock, not by those of producers.
func All(partitions, replicas int) []Topic {
	keep := func(d time.Duration) map[string]string {
		return map[string]string{"cleanup.policy": "delete", "retention.ms": strconv.FormatInt(d.Milliseconds(), 10),
			"message.timestamp.type": "LogAppendTime"}
	}
	const day = 24 * time.Hour
	return []Topic{{Raw, partitions, replicas, keep(7 * day)}, {Classified, partitions, replicas, keep(7 * day)},
		{DeadLetters, 1, replicas, keep(30 * day)}}
}

// State is what a broker has.
type State struct {
	Partitions int
	Config     map[string]string
}

// Admin changes topics. A nil error means that the broker did it.
type Admin interface {
	// Topics returns those of the names that exist.
	Topics(ctx context.Context, names []string) (map[string]State, error)
	Create(ctx context.Context, topic Topic) error
	Grow(ctx context.Context, name string, partitions int) error
	Configure(ctx context.Context, name string, config map[string]string) error
}

// Change is one step towards what should be.
type Change struct {
	Text string // for people
	do   func(context.Context, Admin) error
}

// Plan compares; it is empty when nothing is to do. Partitions can not be taken away: that is an error with exit code 65.
func Plan(ctx context.Context, admin Admin, want []Topic) ([]Change, error) {
	names := make([]string, len(want))
	for i := range want {
		names[i] = want[i].Name
	}
	have, err := admin.Topics(ctx, names)
	if err != nil {
		return nil, err
	}
	var plan []Change
	for _, t := range want {
		state, ok := have[t.Name]
		if !ok {
			plan = append(plan, Change{fmt.Sprintf("create %s: partitions %d, replicas %d%s", t.Name, t.Partitions, t.Replicas, settings(t.Config)),
				func(ctx context.Context, a Admin) error { return a.Create(ctx, t) }})
			continue
		}
		if state.Partitions > t.Partitions {
			return nil, batch.WithHint(batch.Failf(batch.ExitData, "%s has %d partitions and can not shrink to %d", t.Name, state.Partitions, t.Partitions),
				"leave them, with --partitions %d, or make another topic", state.Partitions)
		}
		if state.Partitions < t.Partitions {
			plan = append(plan, Change{fmt.Sprintf("grow %s from %d to %d partitions", t.Name, state.Partitions, t.Partitions),
				func(ctx context.Context, a Admin) error { return a.Grow(ctx, t.Name, t.Partitions) }})
		}
		differing := map[string]string{}
		for name, value := range t.Config {
			if state.Config[name] != value {
				differing[name] = value
			}
		}
		if len(differing) > 0 {
			plan = append(plan, Change{"configure " + t.Name + settings(differing),
				func(ctx context.Context, a Admin) error { return a.Configure(ctx, t.Name, differing) }})
		}
	}
	return plan, nil
}

// Apply makes the changes one by one and calls done behind each. Applied again it finds nothing to do.
func Apply(ctx context.Context, admin Admin, plan []Change, done func(Change)) error {
	for _, c := range plan {
		if err := c.do(ctx, admin); err != nil {
			return fmt.Errorf("%s: %w", c.Text, err)
		}
		done(c)
	}
	return nil
}

func settings(config map[string]string) (text string) {
	for _, name := range slices.Sorted(maps.Keys(config)) {
		text += ", " + name + " " + config[name]
	}
	return text
}
