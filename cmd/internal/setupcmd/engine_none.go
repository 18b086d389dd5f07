//go:build noembed

package setupcmd

// checkEngine: this txflow has no embedded platform.
func checkEngine() []check { return nil }
