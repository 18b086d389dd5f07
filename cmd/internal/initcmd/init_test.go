package initcmd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/sr/srfake"
	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/embedded/embeddedtest"
	"github.com/txflow/txflow/internal/fault"
)

func TestMain(m *testing.M) { os.Exit(embeddedtest.Main(m)) }

// run is the command with its exit code and what it says.
func run(args ...string) (code int, said string) {
	a := app.New("txflow", "", []*cli.Command{Command()})
	var out bytes.Buffer
	a.Writer, a.ErrWriter = io.Discard, &out
	return app.Main(a, append([]string{"txflow", "init", "--kafka-brokers="}, args...)), out.String()
}

func TestInit(t *testing.T) {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	registry := srfake.New()
	s3 := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
	base := embeddedtest.ClickHouse(t)
	t.Cleanup(func() {
		embeddedtest.Exec(t, base, "DROP DATABASE IF EXISTS init SYNC")
		broker.Close()
		registry.Close()
		s3.Close()
	})
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "very-secret-value")
	t.Setenv("AWS_REGION", "us-east-1")
	// By name, since the SDK puts a bucket before a host's name by default.
	at, err := url.Parse(s3.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ENDPOINT_URL_S3", "http://localhost:"+at.Port())
	args := []string{"--kafka-brokers=" + broker.ListenAddrs()[0], "--registry-url=" + registry.URL(),
		"--clickhouse-url=" + base + "/?database=init",
		"--bucket=s3://inputs,s3://artifacts", "--bucket=s3://dead-letters", "--wait=60s"}

	code, said := run(args...)
	if code != fault.ExitDone {
		t.Fatalf("exit %d:\n%s", code, said)
	}
	for _, want := range []string{"transactions.raw", "transactions.classified-value", "schema init, core",
		"schema init, stream",
		"bucket s3://inputs made", "bucket s3://artifacts made", "bucket s3://dead-letters made", "all is there"} {
		if !strings.Contains(said, want) {
			t.Errorf("not said: %s in\n%s", want, said)
		}
	}
	attached := embeddedtest.Exec(t, base,
		"SELECT uuid, metadata_modification_time FROM system.tables WHERE database = 'init' AND engine = 'Kafka' ORDER BY "+
			"uuid")
	if code, said := run(args...); code != fault.ExitDone || strings.TrimSpace(said) != "all is there" {
		t.Errorf("made again: exit %d, and something changed:\n%s", code, said)
	}
	if now := embeddedtest.Exec(t, base,
		"SELECT uuid, metadata_modification_time FROM system.tables WHERE database = 'init' AND engine = 'Kafka' ORDER BY "+
			"uuid"); now != attached || attached == "" {
		t.Errorf("the Kafka tables were %q and are %q", attached, now)
	}
}

func TestInitSaysWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--clickhouse-url=http://127.0.0.1:1", "--wait=1ns"}, fault.ExitUnavailable, "waiting for ClickHouse"},
		{[]string{"--clickhouse-url=nonsense"}, fault.ExitUsage, "must be like"},
		{[]string{"--wait=0s"}, fault.ExitUsage, "must be more than 0"},
	} {
		if code, said := run(c.args...); code != c.code || !strings.Contains(said, c.says) {
			t.Errorf("%v: exit %d, want %d:\n%s", c.args, code, c.code, said)
		}
	}
}

// A server that does not answer yet is waited for, and said so once; any other fault ends it.
func TestWaiting(t *testing.T) {
	var out bytes.Buffer
	w := waiting{out: &out, every: time.Microsecond, say: time.Hour}
	tries := 0
	err := w.do(t.Context(), step{"Kafka", func(context.Context) error {
		if tries++; tries < 4 {
			return fault.Failf(fault.ExitUnavailable, "refused")
		}
		return nil
	}})
	if err != nil || tries != 4 || out.String() != "waiting for Kafka: refused\n" {
		t.Errorf("%d tries, %v, said %q", tries, err, out.String())
	}
	tries = 0
	broken := fault.Failf(fault.ExitData, "an incompatible schema")
	if err := w.do(t.Context(), step{"", func(context.Context) error { tries++; return broken }}); !errors.Is(err,
		broken) || tries != 1 {
		t.Errorf("%d tries, %v", tries, err)
	}
}
