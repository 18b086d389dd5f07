package cli

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// servedBy says where the metrics of a package are served; a package that is not named stands for itself.
var servedBy = map[string]string{
	"cmd/internal/eventscmd":  "`txflow events archive --watch-addr`",
	"internal/ui":             "`txflow ui`, at `/metrics` of its address, with its token",
	"ml_api/server":           "`txflow ml-api`, at `/metrics` of its address",
	"stream/events/analytics": "`txflow events publish --watch-addr`",
	"stream/events/collect":   "`txflow collect`, at `/metrics` of its address",
	"stream/events/refine":    "`txflow stream refine --watch-addr`",
	"stream/watch": "`txflow stream classify --watch-addr` and `txflow stream refine --watch-addr`, " +
		"with a label `pipeline` " +
		"(`transactions`, `events`); those of `txflow_clickhouse_reader_` by `txflow platform` and by " +
		"`txflow stream status --watch-addr`",
}

type metric struct{ name, kind, help, labels string }

func metricsPage(sources []sourceFile) string {
	byPackage := map[string][]metric{}
	for _, s := range sources {
		dir := filepath.ToSlash(filepath.Dir(s.path))
		ast.Inspect(s.file, func(n ast.Node) bool {
			if m, ok := metricOf(n); ok && !slices.ContainsFunc(byPackage[dir],
				func(o metric) bool { return o.name == m.name }) {
				byPackage[dir] = append(byPackage[dir], m)
			}
			return true
		})
	}
	var b strings.Builder
	b.WriteString(generatedMark +
		"# Metrics\n\nFor Prometheus. Times are in seconds. The usual `go_*` and `process_*` are served, too.\n")
	for _, dir := range slices.Sorted(maps.Keys(byPackage)) {
		by := servedBy[dir]
		if by == "" {
			by = "`" + dir + "`"
		}
		fmt.Fprintf(&b, "\n## %s\n\nServed by %s.\n\n| metric | kind | labels | meaning |\n| --- | --- | --- | --- |\n", dir,
			by)
		metrics := byPackage[dir]
		slices.SortFunc(metrics, func(a, b metric) int { return strings.Compare(a.name, b.name) })
		for _, m := range metrics {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.name, m.kind, m.labels, cell(m.help))
		}
	}
	return b.String()
}

// metricOf finds the three ways in which a metric is made: a Vec of options, options alone, and a function that takes
// the name and the help first.
func metricOf(n ast.Node) (metric, bool) {
	switch n := n.(type) {
	case *ast.CallExpr:
		if len(n.Args) == 0 {
			return metric{}, false
		}
		if options, ok := n.Args[0].(*ast.CompositeLit); ok {
			m, ok := metricOf(options)
			if labels := texts(n.Args[1:]); labels != "" {
				m.labels = labels
			}
			return m, ok
		}
		name, isText := text(n.Args[0])
		if !isText || !strings.HasPrefix(name, "txflow_") || len(n.Args) == 1 {
			return metric{}, false
		}
		help, isText := text(n.Args[1])
		kind := calledName(n.Fun)
		if kind == "newdesc" {
			kind = map[bool]string{true: "counter", false: "gauge"}[strings.HasSuffix(name, "_total")]
		}
		return metric{name, kind, help, texts(n.Args[2:])}, isText
	case *ast.CompositeLit:
		kind := strings.TrimSuffix(calledName(n.Type), "opts")
		m := metric{kind: kind}
		for _, element := range n.Elts {
			if pair, ok := element.(*ast.KeyValueExpr); ok {
				switch value, _ := text(pair.Value); calledName(pair.Key) {
				case "name":
					m.name = value
				case "help":
					m.help = value
				case "constlabels":
					m.labels = texts([]ast.Expr{pair.Value})
				}
			}
		}
		return m, strings.HasPrefix(m.name, "txflow_")
	}
	return metric{}, false
}

func calledName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		return strings.ToLower(e.Sel.Name)
	case *ast.Ident:
		return strings.ToLower(e.Name)
	}
	return ""
}

// text is a string literal, or several that are added.
func text(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		left, ok1 := text(e.X)
		right, ok2 := text(e.Y)
		return left + right, ok1 && ok2
	}
	return "", false
}

// texts are labels: string literals, keys of a map of them, and lists of them.
func texts(from []ast.Expr) string {
	var found []string
	for _, e := range from {
		if s, ok := text(e); ok {
			found = append(found, "`"+s+"`")
		}
		list, ok := e.(*ast.CompositeLit)
		if !ok {
			continue
		}
		for _, element := range list.Elts {
			if pair, ok := element.(*ast.KeyValueExpr); ok {
				element = pair.Key
			}
			if s, ok := text(element); ok {
				found = append(found, "`"+s+"`")
			}
		}
	}
	return strings.Join(found, ", ")
}
