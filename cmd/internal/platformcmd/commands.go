//go:build !noembed

// Package platformcmd is the platform that txflow brings for local development, and the demo on it.
package platformcmd

import (
	"github.com/urfave/cli/v2"
)

// Commands bring a platform of their own; a txflow for images is built without them, with the tag noembed.
func Commands() []*cli.Command { return []*cli.Command{demoCommand(), platformCommand()} }
