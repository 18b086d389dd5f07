package setupcmd

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/txflow/txflow/cmd/internal/table"
	"github.com/txflow/txflow/cmd/internal/table/tabletest"
	"github.com/txflow/txflow/stream/topics"
)

// empty is a cluster without topics.
type empty struct{ topics.Admin }

func (empty) Topics(context.Context, []string) (map[string]topics.State, error) { return nil, nil }

// TestChangesFit prints what is done on a cluster without topics.
func TestChangesFit(t *testing.T) {
	t.Parallel()
	plan, err := topics.Plan(t.Context(), empty{}, topics.All(topics.Default, 3))
	if err != nil || len(plan) == 0 {
		t.Fatal(plan, err)
	}
	var out bytes.Buffer
	var texts []string
	for _, change := range plan {
		table.PrintText(&out, "would "+change.Text)
		texts = append(texts, change.Text)
	}
	tabletest.Fits(t, out.String(), texts...)
	if !strings.HasPrefix(out.String(), "would create transactions.raw: partitions ") {
		t.Errorf("printed:\n%s", out.String())
	}
}
