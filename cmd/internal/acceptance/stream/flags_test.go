package stream

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/fault"
)

// nobody is a place in which no dependency answers.
func nobody(t *testing.T, env ...string) harness.Place {
	return harness.Place{T: t, Dir: t.TempDir(),
		Env: append([]string{"KAFKA_BROKERS=127.0.0.1:1", "ML_API_URL=http://127.0.0.1:1",
			"CLICKHOUSE_URL=http://127.0.0.1:1", "TXFLOW_CLICKHOUSE_OUTAGE=1ms"}, env...)}
}

// TestStreamFlagsAreChecked finds all faults of a command line at once, before anything is contacted.
func TestStreamFlagsAreChecked(t *testing.T) {
	t.Parallel()
	p := nobody(t)
	for _, args := range [][]string{
		{"stream", "classify", "--batch-rows=0", "--transaction-rows=0", "--concurrency=-1", "--max-wait=-1s", "--drain=-1s",
			"--max-message-bytes=0",
			"--session-timeout=1s", "--stuck=0s", "--call-timeout=-1s", "--instance=a/b", "--kafka-config=acks=1"},
		{"stream", "produce", "--rate=NaN", "--burst=0", "--bad=-1", "--duplicates=2", "--traced=NaN", "--count=-1",
			"--drain=-1s", "--profile=huge", "--kafka-config=enable.idempotence=false"},
		{"stream", "status", "--every=0s", "--kafka-config=x"},
		{"topics", "apply", "--partitions=0", "--replicas=-1", "--kafka-config-file=missing"},
		{"dlq", "list", "--state=foo", "--pipeline=foo", "--limit=-1"},
		{"dlq", "stats", "--state=foo", "--pipeline=foo"},
		{"dlq", "replay", "--rate=-1", "--max-replays=-1", "--pipeline=foo", "--kafka-config=group.id=x"},
		{"dlq", "purge", "--pipeline=foo", "--all"},
	} {
		code, r := p.Run(args...)
		said := r.LastLog(t).Error
		if code != fault.ExitUsage {
			t.Errorf("%v: exit %d\n%s", args, code, r.Stderr.String())
		}
		for _, arg := range args {
			if flag, _, ok := strings.Cut(arg, "="); ok && !strings.Contains(said, flag) {
				t.Errorf("%v: %s is not named: %s", args, flag, said)
			}
		}
	}
}

// TestProduceEndsWithoutKafka is stopped while Kafka does not answer: it ends within --drain, claims nothing, and does
// not repeat itself.
func TestProduceEndsWithoutKafka(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		p := nobody(t)
		r := p.Start("stream", "produce", "--count", "8", "--drain", "300ms")
		r.Find(t, &r.Stderr, "(Kafka does not answer)")
		start := time.Now()
		harness.Must(t, r.Cmd.Process.Signal(signal))
		if code := r.Wait(t); code != fault.ExitTryAgain || time.Since(start) > time.Minute {
			t.Errorf("%s: exit %d after %s\n%s", signal, code, time.Since(start), r.Stderr.String())
		}
		out := r.Stderr.String()
		// How many rows were given to the client by then depends on the machine.
		why := r.LastLog(t).Error
		sent := regexp.MustCompile(`(?m)^0 of [1-8] messages? (is|are) in transactions.raw`).MatchString(out) &&
			strings.Contains(why, "not acknowledged")
		unsent := strings.Contains(out, "\n0 messages are in transactions.raw") &&
			regexp.MustCompile(`stopped after [0-8] rows?`).MatchString(why)
		if !sent && !unsent {
			t.Errorf("%s: it says\n%s", signal, out)
		}
		if n := strings.Count(out, "Kafka does not answer"); n > 3 {
			t.Errorf("%s: %d warnings\n%s", signal, n, out)
		}
		for line := range strings.Lines(out) {
			if strings.HasPrefix(line, "%") {
				t.Errorf("%s: a line of librdkafka between ours: %s", signal, line)
			}
		}
	}
}

// TestKafkaSecretsStayHidden has every command that talks to Kafka fail with a password that holds a comma.
func TestKafkaSecretsStayHidden(t *testing.T) {
	t.Parallel()
	const password = "hunter2,hunter3=x"
	dir := t.TempDir()
	file := filepath.Join(dir, "kafka.properties")
	harness.Must(t, os.WriteFile(file, []byte("security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n"+
		"sasl.username=me\nsasl.password="+password+"\n"), 0o600))
	for name, env := range map[string]string{
		"a file": "KAFKA_CONFIG_FILE=" + file,
		"a list": "KAFKA_CONFIG=security.protocol=SASL_PLAINTEXT,sasl.mechanism=PLAIN,sasl.username=me,sasl.password=" +
			password,
		"an escaped list": "KAFKA_CONFIG=debug=broker\\,security,security.protocol=SASL_PLAINTEXT,sasl.mechanism=PLAIN," +
			"sasl.username=me,sasl.password=" +
			strings.ReplaceAll(password, ",", "\\,"),
	} {
		p := nobody(t, env)
		for _, args := range [][]string{{"stream", "status", "--once"}, {"topics", "apply"}, {"doctor", "--timeout", "1s"},
			{"dlq", "replay"},
			{"--log-level", "debug", "stream", "produce", "--count", "1", "--drain", "1ms"}, {"stream", "classify"}} {
			t.Run(name+" "+strings.Join(args, " "), func(t *testing.T) {
				t.Parallel()
				r := p.Start(args...)
				if endless := args[len(args)-1] == "1ms" || args[1] == "classify"; endless && name != "a list" {
					r.Find(t, &r.Stderr, "(Kafka does not answer)")
					harness.Must(t, r.Cmd.Process.Signal(os.Interrupt))
				}
				code := r.Wait(t)
				if out := r.Stdout.String() + r.Stderr.String(); strings.Contains(out, "hunter") {
					t.Errorf("exit %d\n%s", code, out)
				}
				if name == "a list" && args[0] != "doctor" && code != fault.ExitUsage {
					t.Errorf("exit %d", code)
				}
			})
		}
	}
}
