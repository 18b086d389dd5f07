package kafkaflags

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/topics"
)

// The tests of this file are not parallel: a flag of the command line keeps its last value.

// with runs work as a command with the flags of Kafka would be.
func with(t *testing.T, args []string, work func(*cli.Context) error) error {
	t.Helper()
	app := &cli.App{Writer: io.Discard, ErrWriter: io.Discard, ExitErrHandler: func(*cli.Context, error) {},
		Flags: append([]cli.Flag{Topics}, Flags...), Action: work}
	return app.Run(append([]string{"txflow"}, args...))
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestConfig names the flag or the file that is wrong, and never a setting's value.
func TestConfig(t *testing.T) {
	good, bad := write(t, "# secrets\nsasl.password=s3cret\n"), write(t, "sasl.password=a\ns3cret\n")
	rt := &app.Runtime{Log: slog.New(slog.DiscardHandler)}
	for args, want := range map[string]string{
		"--kafka-brokers a:1,b:2":                       "",
		"--kafka-config-file " + good:                   "",
		"--kafka-config client.rack=x":                  "",
		"--kafka-config-file " + good + ".missing":      "--kafka-config-file",
		"--kafka-config-file " + bad:                    bad,
		"--kafka-config s3cret":                         "--kafka-config",
		"--kafka-config enable.idempotence=s3cretfalse": "--kafka-config",
	} {
		err := with(t, strings.Fields(args), func(c *cli.Context) error { _, err := Config(c, rt); return err })
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", args, err)
		}
		if err != nil && strings.Contains(err.Error(), "=s3cret") {
			t.Errorf("%s: the error has the value: %v", args, err)
		}
	}
}

// TestTopicsFile is refused with 64 where it is missing, no file of topics, or too long; without the flag nothing
// changes.
func TestTopicsFile(t *testing.T) {
	want := topics.All(topics.Default, 1)
	for file, refused := range map[string]bool{"": false, write(t, "topics: {"): true,
		write(t, strings.Repeat("#", topics.MaxFile+1)): true, filepath.Join(t.TempDir(), "missing"): true} {
		err := with(t, []string{"--topics-file", file}, func(c *cli.Context) error {
			got, err := Wanted(c, topics.All(topics.Default, 1))
			if err == nil && (len(got) != len(want) || got[0].Partitions != want[0].Partitions) {
				t.Errorf("%.80s: %+v", file, got)
			}
			return err
		})
		if refused != (err != nil) || refused && fault.ExitCode(err) != fault.ExitUsage {
			t.Errorf("%.80q: %v", file, err)
		}
	}
}
