// Package topics describes the stream's topics as code and says what must be done for a broker to have them.
package topics

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/txflow/txflow/internal/fault"
)

// Names of the topics.
const (
	Raw         = "transactions.raw"
	Classified  = "transactions.classified"
	DeadLetters = "transactions.dlq"
)

// ErrMissing says that a topic does not exist (yet).
var ErrMissing = errors.New("the topic does not exist and is waited for: make it with txflow topics apply")

// Topic is what a topic should be.
type Topic struct {
	Name       string
	Partitions int
	Replicas   int
	Config     map[string]string // by Kafka's names for the settings of topics
}

// Bounds of All: Kafka's own are higher, and nobody means them.
const (
	MaxPartitions = 10_000
	MaxReplicas   = 100
)

// minInsync is how many replicas must have a message before it is acknowledged: with one, a broker that fails takes
// acknowledged messages along, and with all of them every failure is an outage.
func minInsync(replicas int) int { return min(2, replicas) }

// All are the stream's topics. Dead letters are kept long enough to be corrected. The broker notes when a message came:
// versions and retention go by its clock, not by those of producers.
func All(partitions, replicas int) []Topic {
	keep := func(d time.Duration) map[string]string {
		return map[string]string{"cleanup.policy": "delete", "retention.ms": strconv.FormatInt(d.Milliseconds(), 10),
			"message.timestamp.type": "LogAppendTime", "min.insync.replicas": strconv.Itoa(minInsync(replicas))}
	}
	const day = 24 * time.Hour
	return []Topic{{Raw, partitions, replicas, keep(7 * day)}, {Classified, partitions, replicas, keep(7 * day)},
		{DeadLetters, 1, replicas, keep(30 * day)}}
}

// State is what a broker has.
type State struct {
	Partitions int
	Replicas   int // the fewest of any partition
	Config     map[string]string
}

// Kept are the stream's topics with the partitions that each has, where it is there, and as many replicas
// as the one that has the most.
func Kept(have map[string]State, partitions int) []Topic {
	replicas := 1
	for _, t := range All(1, 1) {
		replicas = max(replicas, have[t.Name].Replicas)
	}
	all := All(partitions, replicas)
	for i := range all {
		if state, ok := have[all[i].Name]; ok {
			all[i].Partitions = state.Partitions
		}
	}
	return all
}

// Internal are Kafka's own topics that the stream's promises rest on.
var Internal = []string{"__consumer_offsets", "__transaction_state"}

// Weak returns the internal topics with fewer replicas than the stream's topics have: with them a broker that fails takes
// offsets and transactions along. Those that are not there yet, or not shown, do not count.
func Weak(have map[string]State) (names []string) {
	for _, name := range Internal {
		if state, ok := have[name]; ok && state.Replicas < Kept(have, 1)[0].Replicas {
			names = append(names, name)
		}
	}
	return names
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

// Plan compares; it is empty when nothing is to do. Partitions can not be taken away, nor
// replicas be changed: that is an error with exit code 65.
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
	var drift []error
	for _, t := range want {
		state, ok := have[t.Name]
		if !ok {
			plan = append(plan, Change{fmt.Sprintf("create %s: partitions %d, replicas %d%s", t.Name, t.Partitions, t.Replicas, settings(t.Config)),
				func(ctx context.Context, a Admin) error { return a.Create(ctx, t) }})
			continue
		}
		if state.Partitions > t.Partitions {
			return nil, fault.WithHint(fault.Failf(fault.ExitData, "%s has %d partitions and can not shrink to %d", t.Name, state.Partitions, t.Partitions),
				"leave them, with --partitions %d, or make another topic", state.Partitions)
		}
		if state.Replicas != t.Replicas {
			drift = append(drift, fmt.Errorf("%s has %d replicas, not %d", t.Name, state.Replicas, t.Replicas))
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
	if len(drift) > 0 {
		return nil, fault.WithHint(fault.Fail(fault.ExitData, errors.Join(drift...)),
			"leave them, with --replicas as they are, or move them with Kafka's own kafka-reassign-partitions: txflow moves no data between brokers")
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
