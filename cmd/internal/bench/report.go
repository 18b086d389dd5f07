package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/display"
)

// report is docs/performance.md.
type report struct {
	machine       string
	rows          int
	runs          []used // the quickest first
	tasks         []used
	ceiling       float64 // the ML API alone, rows/s
	spans         int64   // requests that the trace sink had
	python        used
	pythonMissing string
	largeRows     int
	large         []used
	largeRun      used
	growth        []grown
}

func rate(rows int, took time.Duration) float64 { return float64(rows) / took.Seconds() }

func (r *report) markdown() string {
	var w strings.Builder
	run := r.runs[len(r.runs)/2]
	whole := rate(r.rows, run.took)
	fmt.Fprintf(&w, `# Performance

Written by `+"`make bench`"+` at %s on %s.

The client, the ML API and ClickHouse's engine share these processors, each in a process of its own; the file has `+
		`the real
file's dialect (`+"`txflow data generate`"+
		`). Nothing is switched off: every artifact is written with its SHA-256, every ML call is a
span on both sides that goes to a collector (%d exports in all), every row has its ledger entry, and reconcile `+
		`reads the source again.

## From CSV to MergeTree and its ledger: %s rows

| | rows/s | time | memory resident at the most |
| --- | ---: | ---: | ---: |
`, commit(), r.machine, r.spans, display.Thousands(int64(r.rows)))
	fmt.Fprintf(&w, "| **`txflow run`**, median of %d (%s) | **%s** | %s | %s |\n", len(r.runs), r.spread(),
		thousands(whole), seconds(run.took), megabytes(run.memory))
	for i, name := range stageNames {
		u := r.tasks[i]
		fmt.Fprintf(&w, "| `txflow %s` alone | %s | %s | %s |\n", name, thousands(rate(r.rows, u.took)), seconds(u.took),
			megabytes(u.memory))
	}
	fmt.Fprintf(&w, `
A task alone starts a process and opens everything again; `+"`run`"+` stores chunks while others are classified.

## Against others, measured in the same run

| | rows/s | txflow |
| --- | ---: | ---: |
| the ML API's own ceiling: bodies of %d rows encoded beforehand, answers not looked at | %s | classify alone `+
		`reaches %.0f %%, `+"`run`"+` %.0f %% |
`, bodyRows, thousands(r.ceiling), 100*rate(r.rows, r.tasks[2].took)/r.ceiling, 100*whole/r.ceiling)
	if r.pythonMissing != "" {
		fmt.Fprintf(&w, "| a plain pipeline in Python | **not measured**: %s | |\n", r.pythonMissing)
	} else {
		python := rate(r.rows, r.python.took)
		fmt.Fprintf(&w, "| a plain pipeline in Python (`cmd/internal/bench/baseline.py`: %s) on the same file: it checks "+
			"nothing, keeps nothing on the way, compares nothing in the end, and holds the file in memory (%s) | %s | `run` "+
			"is **%.1f times** as fast |\n",
			strings.Join(pythonPackages, ", "), megabytes(r.python.memory), thousands(python), whole/python)
	}
	w.WriteString("\n## Memory\n\n")
	if r.largeRows == 0 {
		w.WriteString("Not measured in this run: `make bench BENCH_MEMORY_ROWS=10000000` does every task on a file of ten " +
			"million rows.\n")
	} else {
		fmt.Fprintf(&w, `Resident at the most, on %s rows beside %s. Duplicates are found through temporary disk: 40 `+
			`bytes a row, here %s, freed when
validate ends.

| | %s rows | %s rows | rows/s |
| --- | ---: | ---: | ---: |
`, display.Thousands(int64(r.largeRows)), display.Thousands(int64(r.rows)), megabytes(40*int64(r.largeRows)),
			display.Thousands(int64(r.rows)), display.Thousands(int64(r.largeRows)))
		for i, name := range append(stageNames[:len(stageNames):len(stageNames)], "run") {
			small, large := run, r.largeRun
			if i < len(r.tasks) {
				small, large = r.tasks[i], r.large[i]
			}
			fmt.Fprintf(&w, "| %s | %s | %s | %s |\n", name, megabytes(small.memory), megabytes(large.memory),
				thousands(rate(r.largeRows, large.took)))
		}
	}
	w.WriteString("\n## The cost of a run over a large table\n\n" + r.growthText())
	w.WriteString(`
## What is on the disk for good, and when

- Artifacts (accepted rows, chunks, recorded answers, manifests): fsync of the file, rename, fsync of the folder, ` +
		`before the task
  says that they are stored. In an object store, its own promise.
- Rows in ClickHouse: written and in the page cache when an insert is answered. They survive a kill of ClickHouse, ` +
		`not a loss of
  power, as everywhere with MergeTree's defaults (` + "`fsync_after_insert = 0`" +
		`). A run whose load was lost so is loaded again from its
  artifacts by the same command, and ` + "`reconcile`" + ` tells.
- Temporary files for duplicates: not at all; they have no name and go with the process.
`)
	return w.String()
}

func (r *report) spread() string {
	slowest := r.runs[len(r.runs)-1]
	return thousands(rate(r.rows, slowest.took)) + " to " + thousands(rate(r.rows, r.runs[0].took))
}

func thousands(perSecond float64) string { return display.Thousands(int64(perSecond)) }

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// commit is what was measured.
func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "an unknown commit"
	}
	return "commit " + strings.TrimSpace(string(out))
}

func thisMachine() string {
	return fmt.Sprintf("%s/%s, %d processors%s, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), processor(),
		runtime.Version())
}

// processor names the kind of processor where the system names it.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // it was only read
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "model name\t: "); ok {
			return " (" + name + ")"
		}
	}
	return ""
}
