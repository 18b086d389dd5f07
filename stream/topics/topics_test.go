package topics

import (
	"context"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/batch"
)

// memory is a broker that remembers.
type memory map[string]State

func (m memory) Topics(context.Context, []string) (map[string]State, error) { return m, nil }
func (m memory) Create(_ context.Context, t Topic) error {
	m[t.Name] = State{t.Partitions, t.Config}
	return nil
}
func (m memory) Grow(_ context.Context, name string, n int) error {
	m[name] = State{n, m[name].Config}
	return nil
}
func (m memory) Configure(_ context.Context, name string, config map[string]string) error {
	m[name] = State{m[name].Partitions, config}
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
	if got := plan(t, m, All(6, 1)); len(got) != 3 || !strings.HasPrefix(got[0], "create transactions.raw: partitions 6, replicas 1, cleanup.policy delete, message.timestamp.type LogAppendTime, retention.ms ") {
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
	m[DeadLetters] = State{1, map[string]string{"cleanup.policy": "compact"}}
	if got := plan(t, m, All(12, 1)); len(got) != 3 || got[0] != "grow transactions.raw from 6 to 12 partitions" || !strings.HasPrefix(got[2], "configure transactions.dlq, cleanup.policy delete") {
		t.Errorf("more partitions: %q", got)
	}
	if _, err := Plan(t.Context(), m, All(3, 1)); batch.ExitCode(err) != batch.ExitData || m[Raw].Partitions != 12 {
		t.Errorf("fewer partitions: %v, %v", err, m)
	}
}
