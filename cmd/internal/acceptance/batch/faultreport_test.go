package batch

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/txflow/txflow/internal/display"
)

// faultReport is docs/reliability.md.
type faultReport struct{ b bytes.Buffer }

func newFaultReport(stored string) *faultReport {
	r := &faultReport{}
	fmt.Fprintf(&r.b, `# What happens when things break

Written by `+"`make faults`"+
		`, which commits each fault on real processes: the ClickHouse engine, the ML API and txflow itself, all
under the race detector of Go when run by `+"`make test`"+
		`. Each ends with a comparison of everything that is stored (transactions, ledger,
dead letters; values and counts) with what an undisturbed run of the same %s rows, one in twenty of them odd, `+
		`stores: in every
line below it was the same. Nothing was lost and nothing doubled. [reliability-stream.md](reliability-stream.md) is `+
		`about the stream.

| fault | what is done | what the user sees, command by command |
| --- | --- | --- |
`, display.Thousands(faultRows))
	return r
}

func (r *faultReport) add(f faultCase, saw []string) {
	var lines []string
	for _, s := range saw {
		lines = append(lines, strings.NewReplacer("|", "\\|", "\n", " ", "<", "&lt;").Replace(s))
	}
	fmt.Fprintf(&r.b, "| %s | %s | %s |\n", f.name, f.harm, strings.Join(lines, "<br>"))
}

func (r *faultReport) bytes() []byte { return r.b.Bytes() }
