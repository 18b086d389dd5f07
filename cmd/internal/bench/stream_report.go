package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/stream/pipeline"
)

// streamReport is docs/performance-stream.md.
type streamReport struct {
	machine    string
	messages   int
	small      backlog   // a tenth of the messages
	backlogs   []backlog // all messages, several times, the slowest first
	classified int       // messages in all of them
	ceiling    float64   // messages/s
	clickhouse float64   // messages/s
	delays     []delay
}

func (r *streamReport) markdown() string {
	var w strings.Builder
	small, large := r.small, r.backlogs[len(r.backlogs)/2]
	fmt.Fprintf(&w, `# Performance of the stream

Written by `+"`make bench`"+` at %s on %s.

Kafka 4.1 (one node, KRaft), the ML API and one member of the group share these processors, each in a process of `+
		`its own. Every
message is checked as a row of a file is, every ML call is a span on both sides that goes to a collector, and `+
		`results, dead
letters and offsets are one Kafka transaction of %s messages at the most: what `+"`txflow stream classify`"+
		` does when nothing is set.

## A backlog of %s messages

| | messages/s | memory resident at the most |
| --- | ---: | ---: |
| **`+"`txflow stream classify`"+`** | **%s** (%s to %s in %d runs) | %s |
| the same on a backlog of %s, the first of all: the broker's Java is still cold | %s | %s |
| the ceiling: the same messages read and written again as they are, in transactions of the same size, with `+
		`offsets, reading while writing | %s, of which classify reaches **%.0f %%** | |
| `+"`txflow stream produce`"+`, generated rows, idempotent | %s | %s |
| ClickHouse's Kafka tables into `+"`transactions` and `outcomes`"+` | %s | |
`, commit(), r.machine, display.Thousands(pipeline.DefaultBatchMessages), display.Thousands(int64(large.messages)),
		thousands(large.rate),
		thousands(r.backlogs[0].rate), thousands(r.backlogs[len(r.backlogs)-1].rate), len(r.backlogs),
		megabytes(large.member.memory),
		display.Thousands(int64(small.messages)), thousands(small.rate), megabytes(small.member.memory),
		thousands(r.ceiling), 100*large.rate/r.ceiling, thousands(rate(large.messages, large.produced.took)),
		megabytes(large.produced.memory), thousands(r.clickhouse))
	fmt.Fprintf(&w, `
## From produce to a row that a query sees in ClickHouse

ClickHouse's engine is on the same processors, and asked every %s what is there. A message's time is the one that its
producer gave it.

| messages/s | for | p50 | p99 | slowest |
| ---: | ---: | ---: | ---: | ---: |
`, lookEvery)
	for _, d := range r.delays {
		fmt.Fprintf(&w, "| %s | %d s | %s | %s | %s |\n", display.Thousands(int64(d.rate)), delaySeconds, millis(d.p50),
			millis(d.p99), millis(d.max))
	}
	return w.String()
}

func millis(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
