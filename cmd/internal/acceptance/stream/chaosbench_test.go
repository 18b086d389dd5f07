package stream

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/failpoint"
	"github.com/txflow/txflow/internal/kafkaserver"
	"github.com/txflow/txflow/internal/kafkaserver/kafkatest"
	"github.com/txflow/txflow/stream/topics"
)

// chaosBench is a live bench on a real Kafka, with a network that can be harmed.
type chaosBench struct {
	*liveBench
	kafka    *kafkaserver.Server
	network  *toxiproxy.Proxy // between the members and Kafka
	viaProxy string           // Kafka behind the network
	rows     int
	producer *harness.Process
	refused  string // the id that the ML API refuses
	done     int    // how often harm was done
	again    int    // messages that were delivered again
}

func newChaosBench(t *testing.T, rows int) *chaosBench {
	t.Helper()
	b := &chaosBench{liveBench: &liveBench{&harness.Live{Workbench: &harness.Workbench{API: harness.StartMLAPI(t),
		Place: harness.Place{T: t, Dir: t.TempDir()}}}}, rows: rows}
	door := kafkaserver.Door{Listen: harness.FreeAddr(t), Proxy: harness.FreeAddr(t)}
	b.kafka, b.viaProxy = kafkatest.Start(t, &door), door.Proxy
	b.network = toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "kafka",
		door.Proxy, door.Listen)
	harness.Must(t, b.network.Start())
	t.Cleanup(b.network.Stop)
	b.StartPlatform("127.0.0.1:0", "", "127.0.0.1:0")
	b.Connect(b.kafka.Addr())
	b.Env = append(b.Env, "TXFLOW_STREAM_TRANSACTION_ROWS=750", "TXFLOW_BATCH_ROWS=500")
	t.Cleanup(b.keepLogs)
	b.OK("topics", "apply")
	b.OK("migrate", "--stream")
	return b
}

// group starts members at once and waits until each has joined.
func (b *chaosBench) group(brokers string, instances ...string) (members []*harness.Process) {
	b.T.Helper()
	for _, instance := range instances {
		members = append(members, b.Member(instance, "KAFKA_BROKERS="+brokers))
	}
	for _, m := range members {
		m.Find(b.T, &m.Stderr, `(partitions assigned)`)
	}
	return members
}

// traffic starts to send all rows, over some seconds.
func (b *chaosBench) traffic(seconds int) {
	b.T.Helper()
	b.producer = b.Start("stream", "produce", "--count", fmt.Sprint(b.rows), "--rate", fmt.Sprint(b.rows/seconds),
		"--burst", "100", "--bad", "0.01", "--duplicates", "0.05", "--corrections", "0.05")
}

// through waits until the members have done so many per cent of the rows.
func (b *chaosBench) through(percent int) {
	b.T.Helper()
	b.Until(fmt.Sprintf("%d %% are through", percent), func() bool { return b.Passed("committed") >= b.rows*percent/100 })
}

// sent is how many messages stand in transactions.raw.
func (b *chaosBench) sent() (messages int64) {
	b.T.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Brokers))
	harness.Must(b.T, err)
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(b.T.Context(), topics.Raw)
	harness.Must(b.T, err)
	ends.Each(func(o kadm.ListedOffset) { messages += o.Offset })
	return messages
}

// harm does something and counts it.
func (b *chaosBench) harm(what func()) {
	b.T.Helper()
	what()
	b.done++
}

// die has members end at a fail point, each of them another's successor. Of a member that is killed, the broker hears
// nothing more; the next one has another name, so that the broker must end what was left open.
func (b *chaosBench) die(f failpoint.Point, signal syscall.Signal, instances ...string) {
	b.T.Helper()
	f.Signal = signal
	for _, instance := range instances {
		b.harm(func() { b.Member(instance, f.Env()).DiesAt(b.T, f) })
	}
}

// restartPlatform ends ClickHouse with a signal, and starts it again at the same address after a while.
func (b *chaosBench) restartPlatform(signal syscall.Signal, after time.Duration, registry string) {
	b.T.Helper()
	harness.Must(b.T, b.Platform.Cmd.Process.Signal(signal))
	b.Platform.Dies(b.T, signal)
	<-time.After(after)
	b.StartPlatform(b.address(), "", registry)
}

func (b *chaosBench) address() string { return strings.TrimPrefix(b.Server, "http://") }

// toxic harms the network until it is called off.
func (b *chaosBench) toxic(text string) (off func()) {
	b.T.Helper()
	toxic, err := b.network.Toxics.AddToxicJson(strings.NewReader(text))
	harness.Must(b.T, err)
	return func() { harness.Must(b.T, b.network.Toxics.RemoveToxic(b.T.Context(), toxic.Name)) }
}

// finish waits until all is sent, with a member that does what is left.
func (b *chaosBench) finish() {
	b.T.Helper()
	if code := b.producer.Wait(b.T); code != 0 {
		b.T.Fatalf("stream produce: exit %d\n%s", code, b.producer.Stderr.String())
	}
	for _, m := range b.Members {
		if !m.Running() && m.Cmd.ProcessState.ExitCode() > 0 { // neither killed nor stopped
			b.T.Errorf("a member ended by itself: exit %d\n%s", m.Cmd.ProcessState.ExitCode(), m.Stderr.String())
		}
	}
	if !slices.ContainsFunc(b.Members, (*harness.Process).Running) {
		b.Member("last")
	}
}

// keepLogs keeps what the members said of a case that failed.
func (b *chaosBench) keepLogs() {
	if !b.T.Failed() {
		return
	}
	dir, err := os.MkdirTemp("", "txflow-chaos-")
	harness.Must(b.T, err)
	for i, m := range b.Members {
		harness.Must(b.T, os.WriteFile(filepath.Join(dir, fmt.Sprintf("member-%d.log", i)), []byte(m.Stderr.String()), 0o644))
	}
	b.T.Logf("the members' logs are in %s", dir)
}
