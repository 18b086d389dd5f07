// Package app frames the commands: signals, logs, traces, artifacts, exit codes.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/logging"
	"github.com/txflow/txflow/otel/telemetry"
)

// Version is set at build time.
var Version = "dev"

// Runtime is what a command works with.
type Runtime struct {
	Log            *slog.Logger
	Tracer         trace.Tracer
	TracerProvider trace.TracerProvider
	Propagator     propagation.TextMapPropagator // of traces in requests, as OTEL_PROPAGATORS says
	Artifacts      *artifact.Store
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Interactive    bool   // stderr is a terminal
	LastLine       string // printed on stdout at the very end, after telemetry is sent
}

const logFormat = "log-format"

// New makes an application with the given commands. Its errors are not printed by the library but by Main.
func New(name, usage string, commands []*cli.Command) *cli.App {
	return &cli.App{
		Name: name, Usage: usage, Version: Version, Commands: commands, Suggest: true,
		DisableSliceFlagSeparator: true, // values may hold commas; who wants a list cuts it itself
		Flags: []cli.Flag{
			&cli.StringFlag{Name: logFormat, Value: logging.Auto, EnvVars: []string{"TXFLOW_LOG_FORMAT"},
				Usage: "auto (text on a terminal, else JSON), text or json"},
			&cli.StringFlag{Name: "log-level", Value: "info", EnvVars: []string{"TXFLOW_LOG_LEVEL"},
				Usage: "debug, info, warn or error"},
		},
		Writer: os.Stdout, ErrWriter: os.Stderr, Reader: os.Stdin,
		Before: func(c *cli.Context) error {
			c.App.Metadata[logFormat] = c.String(logFormat) // for report, which has no context
			return nil
		},
		ExitErrHandler: func(*cli.Context, error) {}, // Main decides
		OnUsageError:   usageError(name),
		Action: func(c *cli.Context) error {
			if !c.Args().Present() {
				return cli.ShowAppHelp(c)
			}
			return fault.WithHint(fault.Failf(fault.ExitUsage, "there is no command %q", c.Args().First()), "see %s --help",
				name)
		},
	}
}

// usageError gives a wrong flag of the command at a path, like txflow dlq list, exit code 64, without printing the
// whole help.
func usageError(path string) cli.OnUsageErrorFunc {
	return func(_ *cli.Context, err error, _ bool) error {
		return fault.WithHint(fault.Fail(fault.ExitUsage, err), "see %s --help", path)
	}
}

// Main runs an application and returns its exit code. SIGINT and SIGTERM cancel the work, which then ends in good
// order; a second one kills.
func Main(a *cli.App, args []string) int {
	log.SetOutput(io.Discard) // net/http writes there what it can not read of an answer, which may be personal data
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the next signal has its usual effect
	if completion(a, args, a.Writer) {
		return fault.ExitDone
	}
	for _, c := range a.Commands {
		prepare(a.Name, c)
	}
	out := &output{to: a.Writer}
	a.Writer = out
	err := usage(a.RunContext(ctx, flagsFirst(a, args)))
	if err == nil {
		err = out.failure()
	}
	if err == nil {
		return fault.ExitDone
	}
	format, _ := a.Metadata[logFormat].(string) // "" where the command line was not understood
	return report(a.ErrWriter, format, err, ctx.Err() != nil)
}

func prepare(parent string, c *cli.Command) {
	path := parent + " " + c.Name
	c.OnUsageError = usageError(path)
	limitArguments(c)
	for _, sub := range c.Subcommands {
		prepare(path, sub)
	}
}

// NextSteps are for errors that name none of their own, by exit code.
var NextSteps = map[int]string{
	fault.ExitData:        "correct what the message names; trying the same again does not help",
	fault.ExitUnavailable: "txflow doctor checks every dependency",
	fault.ExitFault:       "this is a fault of txflow: report it, with the log",
	fault.ExitTryAgain:    "run the same command again; what is done stays done",
}

// report prints an error and what to do next: two lines for people, else the last line of the log.
func report(w io.Writer, format string, err error, interrupted bool) int {
	code, hint := fault.ExitCode(err), fault.Hint(err)
	if hint == "" {
		hint = NextSteps[code]
	}
	interrupted = code == fault.ExitInterrupted || interrupted &&
		(errors.Is(err, context.Canceled) || code == fault.ExitFault)
	what, text := "error: ", err.Error()
	if interrupted {
		code, what, text = fault.ExitInterrupted, "", "interrupted; what was done is kept"
	}
	if log := logging.ForMachines(w, format); log != nil {
		attrs := []any{"error", text, "exit_code", code}
		if hint != "" {
			attrs = append(attrs, "next", hint)
		}
		log.Error("txflow failed", attrs...)
		return code
	}
	_, _ = fmt.Fprintln(w, what+text)
	if hint != "" {
		_, _ = fmt.Fprintln(w, "next:", hint)
	}
	return code
}

// taskMemory is a soft limit: the nearer the heap comes, the sooner garbage is collected. With it every task stays
// under 256 MB resident, whatever the file's size. GOMEMLIMIT sets another.
const taskMemory = 160 << 20

// Task is Action for a command that goes through whole files.
func Task(work func(*cli.Context, *Runtime) error) cli.ActionFunc {
	return Action(func(c *cli.Context, rt *Runtime) error {
		if os.Getenv("GOMEMLIMIT") == "" {
			debug.SetMemoryLimit(taskMemory)
		}
		return work(c, rt)
	})
}

// Action wraps a command's work: it sets up logs, traces and artifacts and ends them in order. The trace that
// TRACEPARENT names goes on.
func Action(work func(*cli.Context, *Runtime) error) cli.ActionFunc {
	return func(c *cli.Context) (err error) {
		rt := &Runtime{Stdin: c.App.Reader, Stdout: c.App.Writer, Stderr: c.App.ErrWriter,
			Interactive: logging.IsTerminal(c.App.ErrWriter)}
		if rt.Log, err = logging.New(c.App.ErrWriter, c.String(logFormat), c.String("log-level")); err != nil {
			return fault.Fail(fault.ExitUsage, err)
		}
		traces, err := telemetry.Setup(c.Context, telemetry.Config{Service: service(c), Version: c.App.Version,
			Links: c.Int("transaction-rows"), Log: rt.Log})
		if err != nil {
			return fault.Fail(fault.ExitUsage, err)
		}
		rt.TracerProvider, rt.Tracer, rt.Propagator = traces.TracerProvider(), traces.Tracer("txflow"), traces.Propagator()
		rt.Artifacts = artifact.New(c.Context)
		c.Context = telemetry.FromEnv(c.Context)
		err = work(c, rt)
		if closeErr := rt.Artifacts.Close(); closeErr != nil { // all that was committed is there
			rt.Log.WarnContext(c.Context, "closing the artifacts", "error", closeErr)
		}
		traces.Shutdown(c.Context)
		if rt.LastLine != "" {
			if _, writeErr := fmt.Fprintln(rt.Stdout, rt.LastLine); err == nil && writeErr != nil {
				err = fmt.Errorf("write the manifest: %w", writeErr)
			}
		}
		return err
	}
}

// service is service.name of a command unless OTEL_SERVICE_NAME names another: txflow-classify, txflow-stream-classify.
func service(c *cli.Context) string {
	_, command, _ := strings.Cut(c.Command.HelpName, " ")
	return "txflow-" + strings.ReplaceAll(command, " ", "-")
}
