package topics

import (
	"context"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/fault"
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
	if got := plan(t, m, All(6, 1)); len(got) != 3 || !strings.HasPrefix(got[0], "create transactions.raw: partitions 6, replicas 1, cleanup.policy delete, message.timestamp.type LogAppendTime, min.insync.replicas 1, retention.ms ") {
		t.Errorf("the first time: %q", got)
	}
	if got := plan(t, m, All(6, 1)); len(got) != 0 {
		t.Errorf("the second time: %q", got)
	}
	m[Raw].Config["message.timestamp.type"] = "CreateTime" // as an older release made it
	if got := plan(t, m, All(6, 1)); len(got) != 1 || got[0] != "configure transactions.raw, message.timestamp.type LogAppendTime" {
		t.Errorf("with the producers' times: %q", got)
	}
	m = memory{}
	plan(t, m, All(6, 1))
	m[DeadLetters] = State{1, 1, map[string]string{"cleanup.policy": "compact"}}
	if got := plan(t, m, All(12, 1)); len(got) != 3 || got[0] != "grow transactions.raw from 6 to 12 partitions" || !strings.HasPrefix(got[2], "configure transactions.dlq, cleanup.policy delete") {
		t.Errorf("more partitions: %q", got)
	}
	if _, err := Plan(t.Context(), m, All(3, 1)); fault.ExitCode(err) != fault.ExitData || m[Raw].Partitions != 12 {
		t.Errorf("fewer partitions: %v, %v", err, m)
	}
}

// TestReplicas states how many of them must have a message, and finds topics that have not as many as they should.
func TestReplicas(t *testing.T) {
	t.Parallel()
	for replicas, want := range map[int]string{1: "1", 2: "2", 3: "2", 5: "2"} {
		for _, topic := range All(6, replicas) {
			if got := topic.Config["min.insync.replicas"]; got != want || topic.Replicas != replicas {
				t.Errorf("%s with %d replicas: min.insync.replicas %s, want %s", topic.Name, replicas, got, want)
			}
		}
	}
	m := memory{}
	plan(t, m, All(6, 3))
	m[Classified].Config["min.insync.replicas"] = "1"
	if got := plan(t, m, All(6, 3)); len(got) != 1 || got[0] != "configure transactions.classified, min.insync.replicas 2" {
		t.Errorf("%q", got)
	}
	m[Raw], m[DeadLetters] = State{6, 1, m[Raw].Config}, State{1, 2, m[DeadLetters].Config}
	_, err := Plan(t.Context(), m, All(6, 3))
	if fault.ExitCode(err) != fault.ExitData || !strings.Contains(err.Error(), Raw+" has 1 replicas, not 3") || !strings.Contains(err.Error(), DeadLetters+" has 2 replicas, not 3") {
		t.Errorf("%v", err)
	}
	if _, err := Plan(t.Context(), m, Kept(m, 1)); fault.ExitCode(err) != fault.ExitData || Kept(m, 1)[0].Partitions != 6 || Kept(m, 1)[0].Replicas != 3 {
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
