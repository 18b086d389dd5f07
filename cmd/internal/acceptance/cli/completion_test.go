package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/commands"
	"github.com/txflow/txflow/internal/testtool"
)

// unrunnable is the application with every action made one that fails the test.
func unrunnable(t *testing.T, out *bytes.Buffer) *cli.App {
	a := commands.App()
	a.Writer, a.ErrWriter = out, out
	fail := func(c *cli.Context) error {
		t.Errorf("%s ran, asked to complete", c.Command.FullName())
		return nil
	}
	var walk func([]*cli.Command)
	walk = func(commands []*cli.Command) {
		for _, c := range commands {
			c.Action, c.Before, c.After = fail, fail, fail
			walk(c.Subcommands)
		}
	}
	walk(a.Commands)
	a.Action, a.Before = fail, fail
	return a
}

// TestCompletionRunsNothing asks at every command, after every prefix of what may be typed there, in the new way and in
// that of the scripts that are installed already.
func TestCompletionRunsNothing(t *testing.T) {
	asked := 0
	ask := func(words ...string) string {
		var out bytes.Buffer
		asked++
		if code := app.Main(unrunnable(t, &out), append([]string{"txflow"}, words...)); code != 0 {
			t.Errorf("%v: exit %d, %s", words, code, out.String())
		}
		return out.String()
	}
	harness.EachPath(commands.App().Commands, nil, func(path []string, c *cli.Command) {
		tails := [][]string{{}, {""}, {"-"}, {"--"}, {"--", ""}, {"--", "x"}, {"x"}, {"--help"}, {"-h"}, {"--nonsense"},
			{"--a"}}
		for _, f := range c.Flags {
			tails = append(tails, []string{"--" + f.Names()[0]}, []string{"--" + f.Names()[0], ""},
				[]string{"--" + f.Names()[0] + "=x"})
		}
		for _, tail := range tails {
			words := append(slices.Clone(path), tail...)
			ask(append([]string{"__complete"}, words...)...)
			ask(append(slices.Clone(words), "--generate-bash-completion")...)
		}
	})
	for length := range len("platform") {
		if got := ask("__complete", "platform"[:length]); !strings.Contains(got, "platform\t") {
			t.Errorf("%q is not completed to platform: %s", "platform"[:length], got)
		}
	}
	for words, want := range map[string]string{"dlq pu": "purge", "dlq purge --so": "--source", "stream ": "classify",
		"--log": "--log-level", "run -": "--source"} {
		if got := ask(append([]string{"__complete"}, strings.Split(words, " ")...)...); !strings.Contains(got, want+"\t") {
			t.Errorf("%q is not completed to %q: %q", words, want, got)
		}
	}
	if asked < 1000 {
		t.Errorf("only %d questions were asked", asked)
	}
}

// typed is what a shell shows while keys are pressed.
type typed struct {
	t      *testing.T
	file   *os.File
	screen harness.Buffer
}

// shell starts an interactive shell in which txflow is this test binary.
func shell(t *testing.T, name string, args ...string) *typed {
	path, err := exec.LookPath(name)
	if err != nil {
		testtool.Missing(t, "%s is not installed; completion in it is not tested", name)
	}
	bin, home := t.TempDir(), t.TempDir()
	self, err := os.Executable()
	harness.Must(t, err)
	script := "#!/bin/sh\necho \"$@\" >> " + filepath.Join(home, "calls") + "\nexec " + self + " \"$@\"\n"
	harness.Must(t, os.WriteFile(filepath.Join(bin, "txflow"), []byte(script), 0o755))
	cmd := exec.Command(path, args...)
	cmd.Dir = home
	cmd.Env = []string{harness.AsMain + "=1", harness.NoSleepAtExit, "HOME=" + home,
		"PATH=" + bin + ":" + os.Getenv("PATH"), "TERM=xterm", "PS1=READY> ", "LANG=C.UTF-8"}
	s := &typed{t: t}
	s.file, err = pty.StartWithSize(cmd, &pty.Winsize{Rows: 60, Cols: 200})
	harness.Must(t, err)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = s.file.Close()
		calls, err := os.ReadFile(filepath.Join(home, "calls"))
		harness.Must(t, err)
		for _, call := range strings.Split(strings.TrimSpace(string(calls)), "\n") {
			if !strings.HasPrefix(call, "__complete") && !strings.HasPrefix(call, "completion ") {
				t.Errorf("%s ran txflow %s", name, call)
			}
		}
	})
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := s.file.Read(buf)
			_, _ = s.screen.Write(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	return s
}

// press sends keys and waits until the screen shows what is wanted after what it showed before.
func (s *typed) press(keys string, want ...string) {
	s.t.Helper()
	before := len(s.screen.String())
	_, err := s.file.WriteString(keys)
	harness.Must(s.t, err)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		shown := s.screen.String()[before:]
		if !slices.ContainsFunc(want, func(w string) bool { return !strings.Contains(shown, w) }) {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("after %q the screen shows %q, want %q", keys, shown, want)
		}
	}
}

// keys goes through what every shell must complete, with TAB at places where a command could run.
func (s *typed) keys(clear, tabs string) {
	s.press("txflow dlq pur\t", "dlq purge")
	s.press("--confi"+tabs, "--confi")
	s.press(clear+"txflow dlq purge --"+tabs, "--source", "--since")
	s.press(clear+"txflow dlq purge -- "+tabs, "purge -- ")
	s.press(clear+"txflow stream "+tabs, "classify", "produce", "status")
	s.press(clear+"txflow repor\t", "report")
	s.press(clear+"echo do''ne\r", "done")
}

func TestCompletionInBash(t *testing.T) {
	s := shell(t, "bash", "--norc", "--noprofile", "-i")
	s.press("", "READY> ")
	s.press("source <(txflow completion bash); echo lo''aded\r", "loaded")
	s.keys("\x15", "\t\t")
}

func TestCompletionInZsh(t *testing.T) {
	s := shell(t, "zsh", "-f", "-i")
	s.press("autoload -U compinit; compinit -u; source <(txflow completion zsh); echo lo''aded\r", "loaded")
	s.keys("\x15", "\t")
}

func TestCompletionInFish(t *testing.T) {
	s := shell(t, "fish", "--no-config", "-i")
	s.press("txflow completion fish | source; echo lo''aded\r", "loaded")
	s.keys("\x15", "\t")
}
