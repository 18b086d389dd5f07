// Package topics describes the stream's topics as code and says what must be done for a broker to have them.
package topics

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/events"
)

// Names of the topics of the pipeline of transactions; those of business events are in stream/events.
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
	Fixed      string            // why it must not get more partitions once it is there; "" if it may
}

// Partitions are how many each topic has, of the topics of a pipeline that share the work by them.
type Partitions struct{ Transactions, Events int }

// Default is how many partitions topics have unless somebody asks for others.
var Default = Partitions{Transactions: 6, Events: 3}

// Bounds of All: Kafka's own are higher, and nobody means them.
const (
	MaxPartitions = 10_000
	MaxReplicas   = 100
)

// minInsync is how many replicas must have a message before it is acknowledged: with one, a broker that fails takes
// acknowledged messages along, and with all of them every failure is an outage.
func minInsync(replicas int) int { return min(2, replicas) }

// oneWindow is why the topics that duplicates are found in do not grow: the id of an event that was accepted before may
// be in another partition after, where nobody knows of it.
const oneWindow = "duplicates of events that are there already would no longer be found"

// oneOrder is why the topic of tombstones has one partition.
const oneOrder = "whoever reads it expects all tombstones in one"

// All are the stream's topics. Dead letters are kept long enough to be corrected, and claims for longer than the
// longest window of duplicates. The broker notes when a message came: versions and retention go by its clock, not by
// those of producers.
func All(n Partitions, replicas int) []Topic {
	config := func(policy string) map[string]string {
		return map[string]string{"cleanup.policy": policy, "message.timestamp.type": "LogAppendTime",
			"min.insync.replicas": strconv.Itoa(minInsync(replicas))}
	}
	keep := func(days int) map[string]string {
		c := config("delete")
		c["retention.ms"] = strconv.FormatInt((time.Duration(days) * 24 * time.Hour).Milliseconds(), 10)
		return c
	}
	return []Topic{
		{Name: Raw, Partitions: n.Transactions, Replicas: replicas, Config: keep(7)},
		{Name: Classified, Partitions: n.Transactions, Replicas: replicas, Config: keep(7)},
		{Name: DeadLetters, Partitions: 1, Replicas: replicas, Config: keep(30)},
		{Name: events.Raw, Partitions: n.Events, Replicas: replicas, Config: keep(7), Fixed: oneWindow},
		{Name: events.Silver, Partitions: n.Events, Replicas: replicas, Config: keep(30), Fixed: oneWindow},
		{Name: events.Claims, Partitions: n.Events, Replicas: replicas, Config: keep(8), Fixed: oneWindow},
		{Name: events.DeadLetters, Partitions: 1, Replicas: replicas, Config: keep(30)},
		{Name: events.Analytics, Partitions: n.Events, Replicas: replicas, Config: config("compact")},
		{Name: events.Tombstones, Partitions: 1, Replicas: replicas, Config: config("compact"), Fixed: oneOrder},
	}
}

// flag is the flag of txflow topics apply that says how many partitions a topic has.
func (t *Topic) flag() string {
	if strings.HasPrefix(t.Name, events.Name+".") {
		return "--event-partitions"
	}
	return "--partitions"
}

// State is what a broker has.
type State struct {
	Partitions int
	Replicas   int // the fewest of any partition
	Config     map[string]string
}

// Kept are the stream's topics with the partitions that each has, where it is there, and as many replicas
// as the one that has the most.
func Kept(have map[string]State, partitions Partitions) []Topic {
	replicas := 1
	for _, t := range All(Default, 1) {
		replicas = max(replicas, have[t.Name].Replicas)
	}
	all := All(partitions, replicas)
	KeepPartitions(all, have)
	return all
}

// KeepPartitions changes topics that should be to have the partitions that they have.
func KeepPartitions(want []Topic, have map[string]State) {
	for i := range want {
		if state, ok := have[want[i].Name]; ok {
			want[i].Partitions = state.Partitions
		}
	}
}

// Names returns the names of topics.
func Names(of []Topic) []string {
	names := make([]string, len(of))
	for i := range of {
		names[i] = of[i].Name
	}
	return names
}

// Internal are Kafka's own topics that the stream's promises rest on.
var Internal = []string{"__consumer_offsets", "__transaction_state"}

// Weak returns the internal topics with fewer replicas than the stream's topics have: with them a broker that fails
// takes offsets and transactions along. Those that are not there yet, or not shown, do not count.
func Weak(have map[string]State) (names []string) {
	for _, name := range Internal {
		if state, ok := have[name]; ok && state.Replicas < Kept(have, Default)[0].Replicas {
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

// Plan compares; it is empty when nothing is to do. Partitions can not be removed, nor replicas be changed: that is an
// error with exit code 65.
func Plan(ctx context.Context, admin Admin, want []Topic) ([]Change, error) {
	have, err := admin.Topics(ctx, Names(want))
	if err != nil {
		return nil, err
	}
	var plan []Change
	var drift []error
	for _, t := range want {
		state, ok := have[t.Name]
		if !ok {
			plan = append(plan, Change{fmt.Sprintf("create %s: partitions %d, replicas %d%s", t.Name, t.Partitions, t.Replicas,
				settings(t.Config)), func(ctx context.Context, a Admin) error { return a.Create(ctx, t) }})
			continue
		}
		if state.Partitions > t.Partitions {
			return nil, fault.WithHint(fault.Failf(fault.ExitData, "%s has %d partitions and can not shrink to %d", t.Name,
				state.Partitions, t.Partitions), "leave them, with %s %d, or make another topic", t.flag(), state.Partitions)
		}
		if state.Partitions < t.Partitions && t.Fixed != "" {
			return nil, fault.WithHint(fault.Failf(fault.ExitData, "%s has %d partitions and must not grow to %d: %s", t.Name,
				state.Partitions, t.Partitions, t.Fixed),
				"leave them, with --event-partitions %d; to have more, stop the senders, wait until the window of duplicates "+
					"has passed and nothing waits, and add them to %s, %s and %s with Kafka's own kafka-topics",
				state.Partitions, events.Raw, events.Silver, events.Claims)
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
			"leave them, with --replicas as they are, or move them with Kafka's own kafka-reassign-partitions: txflow moves "+
				"no data between brokers")
	}
	return plan, nil
}

// Apply makes the changes one by one and calls done after each. Applied again it finds nothing to do.
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
