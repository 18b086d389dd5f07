package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// baseline.py is what one would write by hand in an afternoon: pandas, requests, clickhouse-connect.
//
//go:embed baseline.py
var baseline []byte

// pythonPackages are the newest at the time of writing; versions are in the report.
var pythonPackages = []string{"pandas==3.1.1", "requests==2.34.2", "clickhouse-connect==1.12.0"}

// python times the Python pipeline against the same services.
func (b *bencher) python(ctx context.Context, o options, r *report) error {
	interpreter, err := environment(ctx, "bench-python", pythonPackages)
	if err != nil {
		say("######## THE PYTHON BASELINE DID NOT RUN: %v ########", err)
		r.pythonMissing = err.Error()
		return nil
	}
	file, err := b.file(ctx, o.rows)
	if err != nil {
		return err
	}
	script := filepath.Join(b.dir, "baseline.py")
	if err := os.WriteFile(script, baseline, 0o600); err != nil {
		return err
	}
	cmd := b.command(ctx, interpreter, script, file, b.mlAPI, b.clickhouse)
	cmd.Stderr = os.Stderr
	start := time.Now()
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("the Python baseline: %w", err)
	}
	r.python = used{took: time.Since(start)}
	if stored := strings.TrimSpace(string(out)); stored != strconv.Itoa(o.rows) {
		return fmt.Errorf("the Python baseline stored %s of %d rows", stored, o.rows)
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.python.memory = maxRSS(usage)
	}
	say("Python: %s, %s, %s", r.python.took.Round(time.Millisecond), perSecond(o.rows, r.python.took),
		megabytes(r.python.memory))
	return nil
}

// environment makes a virtual environment once and returns its interpreter.
func environment(ctx context.Context, name string, packages []string) (string, error) {
	dir, err := filepath.Abs(filepath.Join(".cache", name))
	if err != nil {
		return "", err
	}
	interpreter, done := filepath.Join(dir, "bin", "python"), filepath.Join(dir, "installed")
	want := strings.Join(packages, " ")
	if got, err := os.ReadFile(done); err == nil && string(got) == want {
		return interpreter, nil
	}
	say("making a Python environment with %s, once", want)
	for _, args := range [][]string{{"python3", "-m", "venv", dir},
		append([]string{interpreter, "-m", "pip", "install", "--quiet"}, packages...)} {
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w: %s", strings.Join(args[:3], " "), err, lastLine(out))
		}
	}
	return interpreter, os.WriteFile(done, []byte(want), 0o600)
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}
