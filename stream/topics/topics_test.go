package topics

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/events"
)

// memory is a broker that remembers.
type memory map[string]State

func (m memory) Topics(context.Context, []string) (map[string]State, error) { return m, nil }
func (m memory) Create(_ context.Context, t Topic) error {
	m[t.Name] = State{t.Partitions, t.Replicas, t.Config}
	return nil
}
func (m memory) Grow(_ context.Context, name string, n int) error {
	m[name] = State{n, m[name].Replicas, m[name].Config}
	return nil
}
func (m memory) Configure(_ context.Context, name string, config map[string]string) error {
	m[name] = State{m[name].Partitions, m[name].Replicas, config}
	return nil
}

func plan(t *testing.T, m memory, want []Topic) (texts []string) {
	t.Helper()
	changes, err := Plan(t.Context(), m, want)
	if err != nil {
		t.Fatal(err)
	}
	if err := Apply(t.Context(), m, changes, func(c Change) { texts = append(texts, c.Text) }); err != nil {
		t.Fatal(err)
	}
	return texts
}

func TestPlan(t *testing.T) {
	t.Parallel()
	m := memory{}
	if got := plan(t, m, All(Partitions{6, 3}, 1)); len(got) != 9 ||
		!strings.HasPrefix(got[0],
			"create transactions.raw: partitions 6, replicas 1, cleanup.policy delete, message.timestamp.type LogAppendTime, "+
				"min.insync.replicas 1, retention.ms ") {
		t.Errorf("the first time: %q", got)
	}
	if got := plan(t, m, All(Partitions{6, 3}, 1)); len(got) != 0 {
		t.Errorf("the second time: %q", got)
	}
	m[Raw].Config["message.timestamp.type"] = "CreateTime" // as an older release made it
	if got := plan(t, m, All(Partitions{6, 3}, 1)); len(got) != 1 ||
		got[0] != "configure transactions.raw, message.timestamp.type LogAppendTime" {
		t.Errorf("with the producers' times: %q", got)
	}
	m = memory{}
	plan(t, m, All(Partitions{6, 3}, 1))
	m[DeadLetters] = State{1, 1, map[string]string{"cleanup.policy": "compact"}}
	if got := plan(t, m, All(Partitions{12, 3}, 1)); len(got) != 3 ||
		got[0] != "grow transactions.raw from 6 to 12 partitions" ||
		!strings.HasPrefix(got[2], "configure transactions.dlq, cleanup.policy delete") {
		t.Errorf("more partitions: %q", got)
	}
	if _, err := Plan(t.Context(), m, All(Partitions{3, 3}, 1)); fault.ExitCode(err) != fault.ExitData ||
		m[Raw].Partitions != 12 {
		t.Errorf("fewer partitions: %v, %v", err, m)
	}
}

// TestReplicas states how many of them must have a message, and finds topics that have not as many as they should.
func TestReplicas(t *testing.T) {
	t.Parallel()
	for replicas, want := range map[int]string{1: "1", 2: "2", 3: "2", 5: "2"} {
		for _, topic := range All(Partitions{6, 3}, replicas) {
			if got := topic.Config["min.insync.replicas"]; got != want || topic.Replicas != replicas {
				t.Errorf("%s with %d replicas: min.insync.replicas %s, want %s", topic.Name, replicas, got, want)
			}
		}
	}
	m := memory{}
	plan(t, m, All(Partitions{6, 3}, 3))
	m[Classified].Config["min.insync.replicas"] = "1"
	if got := plan(t, m, All(Partitions{6, 3}, 3)); len(got) != 1 ||
		got[0] != "configure transactions.classified, min.insync.replicas 2" {
		t.Errorf("%q", got)
	}
	m[Raw], m[DeadLetters] = State{6, 1, m[Raw].Config}, State{1, 2, m[DeadLetters].Config}
	_, err := Plan(t.Context(), m, All(Partitions{6, 3}, 3))
	if fault.ExitCode(err) != fault.ExitData || !strings.Contains(err.Error(), Raw+" has 1 replicas, not 3") ||
		!strings.Contains(err.Error(), DeadLetters+" has 2 replicas, not 3") {
		t.Errorf("%v", err)
	}
	if _, err := Plan(t.Context(), m, Kept(m, Default)); fault.ExitCode(err) != fault.ExitData ||
		Kept(m, Default)[0].Partitions != 6 || Kept(m, Default)[0].Replicas != 3 {
		t.Errorf("%v", err)
	}
	if weak := Weak(m); len(weak) != 0 {
		t.Errorf("%q", weak)
	}
	m[Internal[0]], m[Internal[1]] = State{50, 3, nil}, State{50, 1, nil}
	if weak := Weak(m); len(weak) != 1 || weak[0] != Internal[1] {
		t.Errorf("%q", weak)
	}
}

// TestEventsDoNotGrow refuses to add partitions to the topics that duplicates are found in, and says what to do; the
// others of the pipeline may grow.
func TestEventsDoNotGrow(t *testing.T) {
	t.Parallel()
	for _, name := range []string{events.Raw, events.Silver, events.Claims} {
		m := memory{}
		plan(t, m, All(Partitions{6, 3}, 1))
		for _, other := range []string{events.Raw, events.Silver, events.Claims} {
			if other != name {
				m[other] = State{4, 1, m[other].Config}
			}
		}
		_, err := Plan(t.Context(), m, All(Partitions{6, 4}, 1))
		if fault.ExitCode(err) != fault.ExitData ||
			!strings.HasPrefix(err.Error(), name+" has 3 partitions and must not grow to 4") ||
			!strings.Contains(fault.Hint(err), "--event-partitions 3") || m[name].Partitions != 3 {
			t.Errorf("%s: exit %d, %v, hint %q", name, fault.ExitCode(err), err, fault.Hint(err))
		}
		if _, err := Plan(t.Context(), m, Kept(m, Partitions{9, 9})); err != nil {
			t.Errorf("%s as it is: %v", name, err)
		}
	}
	m := memory{}
	plan(t, m, All(Partitions{6, 3}, 1))
	m[events.Analytics] = State{1, 1, m[events.Analytics].Config}
	if got := plan(t, m, All(Partitions{12, 3}, 1)); len(got) != 3 ||
		got[2] != "grow events.analytics from 1 to 3 partitions" {
		t.Errorf("%q", got)
	}
	m[events.Raw] = State{9, 1, m[events.Raw].Config}
	if _, err := Plan(t.Context(), m, All(Partitions{12, 3}, 1)); !strings.Contains(fault.Hint(err),
		"--event-partitions 9") {
		t.Errorf("fewer partitions: %v, hint %q", err, fault.Hint(err))
	}
}

// TestSettings has the topics of events kept for as long as they must be, and the roll-ups compacted.
func TestSettings(t *testing.T) {
	t.Parallel()
	const day = 24 * 60 * 60 * 1000
	want := map[string][2]string{events.Raw: {"delete", strconv.Itoa(7 * day)},
		events.Silver:      {"delete", strconv.Itoa(30 * day)},
		events.Claims:      {"delete", strconv.Itoa(8 * day)},
		events.DeadLetters: {"delete", strconv.Itoa(30 * day)}, events.Analytics: {"compact", ""},
		events.Tombstones: {"compact", ""}}
	for _, topic := range All(Partitions{6, 3}, 1) {
		w, ok := want[topic.Name]
		if !ok {
			continue
		}
		delete(want, topic.Name)
		if got := [2]string{topic.Config["cleanup.policy"], topic.Config["retention.ms"]}; got != w ||
			topic.Config["message.timestamp.type"] != "LogAppendTime" {
			t.Errorf("%s: %q", topic.Name, topic.Config)
		}
	}
	if len(want) > 0 {
		t.Errorf("no topics %v", want)
	}
}
