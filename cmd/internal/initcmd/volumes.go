package initcmd

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/internal/fault"
)

// volumesCommand prepares the volumes of containers whose images have no shell to do it themselves.
func volumesCommand() *cli.Command {
	return &cli.Command{
		Name: "volumes", ArgsUsage: "FOLDER...",
		Usage: "let any user write to the volumes at these folders, and put txflow into one for health checks",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "binary", EnvVars: []string{"TXFLOW_INIT_BINARY"},
				Usage: "copy this program to `FILE`, for containers that have no health check of their own"},
		},
		Description: `A new volume belongs to root unless its image has the folder. Each is mounted by one service
alone, so its mode does not matter.

   txflow init volumes --binary /health/txflow /volumes/s3 /volumes/traces`,
		Action: func(c *cli.Context) error {
			for _, folder := range c.Args().Slice() {
				if err := os.Chmod(folder, 0o777); err != nil {
					return fault.Fail(fault.ExitUnavailable, err)
				}
			}
			if file := c.String("binary"); file != "" {
				if err := install(file); err != nil {
					return fault.Failf(fault.ExitUnavailable, "install %s: %w", file, err)
				}
			}
			return nil
		},
	}
}

// install copies this program. One that runs from there meanwhile is not disturbed.
func install(file string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	from, err := os.Open(self)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }() // it was only read
	to, err := os.CreateTemp(filepath.Dir(file), ".txflow-")
	if err != nil {
		return err
	}
	defer os.Remove(to.Name()) //nolint:errcheck // it is renamed, or of no use
	if _, err := io.Copy(to, from); err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	if err := to.Chmod(0o755); err != nil {
		return err
	}
	if err := to.Close(); err != nil {
		return err
	}
	return os.Rename(to.Name(), file)
}
