//go:build !noembed

package main

import (
	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/internal/embedded"
)

// embeddedCommands bring a platform of their own; a txflow for images is built without them, with the tag noembed.
func embeddedCommands() []*cli.Command { return []*cli.Command{demoCommand(), platformCommand()} }

// checkEngine looks for the embedded engine, which only demo and platform need.
func checkEngine() []check {
	lib, err := embedded.FindEngine()
	if err != nil {
		return []check{{Name: "embedded engine", Detail: err.Error(), Neutral: true,
			Next: "txflow platform fetch, for demo and platform; a ClickHouse server needs none"}}
	}
	return []check{{Name: "embedded engine", OK: true, Detail: lib}}
}
