package stream

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

// chaosReport is docs/reliability-stream.md.
type chaosReport struct {
	head  bytes.Buffer
	mu    sync.Mutex
	lines []string // of the matrix; cases end in any order
}

func newChaosReport(rows int) *chaosReport {
	r := &chaosReport{lines: make([]string, len(matrix))}
	fmt.Fprintf(&r.head, `# What happens when things break: the stream

Written by `+"`make chaos`"+
		` at commit %s. Each line is a run of its own with a Kafka 4.1 broker, ClickHouse's engine, the ML API, a
producer and the members of the group as separate processes, 750 messages a transaction at most: %s rows are sent `+
		`while the harm is
done, 5 %% of them twice, 5 %% once more with other contents (corrections), and bad messages, one for every hundred `+
		`rows.
[reliability.md](reliability.md) does the same for batch.

Where a line says *held*,

- each message of `+"`transactions.raw`"+` stands in exactly one of `+
		"`transactions.classified` and `transactions.dlq`"+`, for those who read what is
  committed, and none has two results;
- each is once in ClickHouse's ledger, and each id in exactly one of `+"`transactions`"+` and the open dead letters;
- each id in `+"`transactions`"+
		` has the contents of its last message, also where a correction was answered before the row that it corrects;
- results stand in the order of their messages, for each pair of partitions and so for each key;
- every figure of the gold views is the one that batch makes of the same rows;
- dead letters are the bad messages and nothing else: an outage made none.

*Came again* are messages that were delivered more than once: to members of the group, or to ClickHouse where a `+
		`line says so.
*Rolled back* are results that were written and never seen, since their transaction was given up.

| case | what was done | times | messages | came again | rolled back | outcome |
| --- | --- | ---: | ---: | ---: | ---: | --- |
`, os.Getenv("TXFLOW_CHAOS_VERSION"), display.Thousands(int64(rows)))
	return r
}

func (r *chaosReport) hold(t *testing.T, i int, c chaos, b *chaosBench, got tally) {
	r.keep(t, i, fmt.Sprintf("| %s | %s | %d | %s | %s | %s | held |\n", c.name, c.harm, b.done,
		display.Thousands(int64(got.messages)), display.Thousands(int64(b.again)), display.Thousands(got.rolledBack)))
}

func (r *chaosReport) fail(t *testing.T, i int, c chaos) {
	r.keep(t, i, fmt.Sprintf("| %s | %s | | | | | **failed** |\n", c.name, c.harm))
}

// keep writes the file after each case, so that a run that is cut off leaves what it found.
func (r *chaosReport) keep(t *testing.T, i int, line string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines[i] = line
	if path := os.Getenv(chaosReportEnv); path != "" {
		harness.Must(t, os.WriteFile(path, append(bytes.Clone(r.head.Bytes()), strings.Join(r.lines, "")...), 0o644))
	}
}
