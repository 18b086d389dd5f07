package events

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/display"
)

// chaosReportEnv names the file with the results, docs/reliability-events.md.
const chaosReportEnv = "TXFLOW_CHAOS_EVENTS_REPORT"

const chaosHead = `# What happens when things break: events

Written by ` + "`make chaos`" +
	` at commit %s, with a Kafka 4.1 broker, the collector and the members of refine as separate processes, and
transactions of 200 events. The cases of a table are harm that is done one after the other to the same events; then ` +
	`all is verified. Of the
events of the first table a quarter was sent before, 5 %% have the id of an earlier one and other contents, 5 %% ` +
	`break a rule, and 5 %% are of
a person who is forgotten. They are sent before and after each harm. [reliability-stream.md](reliability-stream.md) ` +
	`does the same for
transactions.
`

// chaosTable is what a test did, in order. A line holds when all that the test verifies in the end holds.
type chaosTable struct {
	title, promises string
	lines           []string
	total, outcome  string
}

var (
	chaosMu     sync.Mutex
	chaosTables = []*chaosTable{
		{title: "Refine", outcome: "**failed**", promises: `Where it says *held*,

- each message of ` + "`events.raw`" + ` became exactly one of: an event in ` + "`events.silver`" +
			`, a dead letter, nothing since an earlier message of its
  partition has the same id and contents. Which one, is what the log alone says, computed by the test itself;
- a dead letter ` + "`id_conflict`" + ` names the first message with the id;
- of the forgotten person ` + "`events.silver`" + ` has ids and places alone;
- the window of duplicates was built from nothing but Kafka by every member that started.
`},
		{title: "Collector", outcome: "**failed**",
			promises: `Eight senders send packages of four events, one of them broken, each with an Idempotency-Key and ` +
				`until it is answered. Where it says *held*,

- every event that was acknowledged is in ` + "`events.silver`" + ` once, however often its package was sent;
- every event that was refused is a dead letter once or more often, with the same id, and nowhere else;
- there is no other event: what was not acknowledged was sent again by its sender until it was.
`},
	}
)

// chaosRefine and chaosCollect are the tables of the two tests.
func chaosRefine() *chaosTable  { return chaosTables[0] }
func chaosCollect() *chaosTable { return chaosTables[1] }

// did notes a harm.
func (c *chaosTable) did(name, harm string, times int) {
	chaosMu.Lock()
	defer chaosMu.Unlock()
	c.lines = append(c.lines, fmt.Sprintf("| %s | %s | %d |", name, harm, times))
}

// verified ends a table, and writes the file: tests end in any order.
func (c *chaosTable) verified(t *testing.T, total string, figures ...int) {
	t.Helper()
	chaosMu.Lock()
	defer chaosMu.Unlock()
	if !t.Failed() {
		c.outcome = "held"
	}
	numbers := make([]any, len(figures))
	for i, n := range figures {
		numbers[i] = display.Thousands(int64(n))
	}
	c.total = fmt.Sprintf(total, numbers...)
	path := os.Getenv(chaosReportEnv)
	if path == "" {
		return
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, chaosHead, os.Getenv("TXFLOW_CHAOS_VERSION"))
	for _, table := range chaosTables {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n| case | what was done | times | outcome |\n| --- | --- | ---: | --- |\n",
			table.title, table.promises)
		for _, line := range table.lines {
			fmt.Fprintf(&b, "%s %s |\n", line, table.outcome)
		}
		fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(table.total))
	}
	harness.Must(t, os.WriteFile(path, b.Bytes(), 0o644))
}
