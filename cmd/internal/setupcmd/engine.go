//go:build !noembed

package setupcmd

import (
	"github.com/txflow/txflow/internal/embedded"
)

// checkEngine looks for the embedded engine, which only demo and platform need.
func checkEngine() []check {
	lib, err := embedded.FindEngine()
	if err != nil {
		return []check{{Name: "embedded engine", Detail: err.Error(), Neutral: true,
			Next: "txflow platform fetch, for demo and platform; a ClickHouse server needs none"}}
	}
	return []check{{Name: "embedded engine", OK: true, Detail: lib}}
}
