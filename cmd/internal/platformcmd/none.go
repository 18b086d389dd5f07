//go:build noembed

// Package platformcmd has no commands: this txflow is for images, beside servers.
package platformcmd

import (
	_ "time/tzdata" // an image from scratch has no time zones, and ClickHouse may name one

	"github.com/urfave/cli/v2"
	// nor root certificates; those of the system are preferred where there are any
	_ "golang.org/x/crypto/x509roots/fallback"
)

// Commands: none. This txflow is for images, beside servers.
func Commands() []*cli.Command { return nil }
