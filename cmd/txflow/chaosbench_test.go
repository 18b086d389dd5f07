package main

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
	producer *process
	refused  string // the id that the ML API refuses
	done     int    // how often harm was done
	again    int    // messages that were delivered again
}

func newChaosBench(t *testing.T, rows int) *chaosBench {
	t.Helper()
	b := &chaosBench{liveBench: &liveBench{workbench: &workbench{api: startMLServer(t),
		place: place{t: t, dir: t.TempDir()}}}, rows: rows}
	door := kafkaserver.Door{Listen: freeAddr(t), Proxy: freeAddr(t)}
	b.kafka, b.viaProxy = kafkatest.Start(t, &door), door.Proxy
	b.network = toxiproxy.NewProxy(toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()), "kafka",
		door.Proxy, door.Listen)
	must(t, b.network.Start())
	t.Cleanup(b.network.Stop)
	b.startPlatform("127.0.0.1:0", "", "127.0.0.1:0")
	b.connect(b.kafka.Addr())
	b.env = append(b.env, "TXFLOW_STREAM_TRANSACTION_ROWS=750", "TXFLOW_BATCH_ROWS=500")
	t.Cleanup(b.keepLogs)
	b.ok("topics", "apply")
	b.ok("migrate", "--stream")
	return b
}

// group starts members at once and waits until each has joined.
func (b *chaosBench) group(brokers string, instances ...string) (members []*process) {
	b.t.Helper()
	for _, instance := range instances {
		members = append(members, b.member(instance, "KAFKA_BROKERS="+brokers))
	}
	for _, m := range members {
		m.find(b.t, &m.stderr, `(partitions assigned)`)
	}
	return members
}

// traffic starts to send all rows, over some seconds.
func (b *chaosBench) traffic(seconds int) {
	b.t.Helper()
	b.producer = b.start("stream", "produce", "--count", fmt.Sprint(b.rows), "--rate", fmt.Sprint(b.rows/seconds),
		"--burst", "100", "--bad", "0.01", "--duplicates", "0.05", "--corrections", "0.05")
}

// through waits until the members have so many per cent of the rows behind them.
func (b *chaosBench) through(percent int) {
	b.t.Helper()
	b.until(fmt.Sprintf("%d %% are through", percent), func() bool { return b.passed("committed") >= b.rows*percent/100 })
}

// sent is how many messages stand in transactions.raw.
func (b *chaosBench) sent() (messages int64) {
	b.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.brokers))
	must(b.t, err)
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(b.t.Context(), topics.Raw)
	must(b.t, err)
	ends.Each(func(o kadm.ListedOffset) { messages += o.Offset })
	return messages
}

// harm does something and counts it.
func (b *chaosBench) harm(what func()) {
	b.t.Helper()
	what()
	b.done++
}

// die has members end at a fail point, each of them another's successor. Of a member that is killed, the broker hears
// nothing more; the next one has another name, so that the broker must end what was left open.
func (b *chaosBench) die(f failpoint.Point, signal syscall.Signal, instances ...string) {
	b.t.Helper()
	f.Signal = signal
	for _, instance := range instances {
		b.harm(func() { b.member(instance, f.Env()).diesAt(b.t, f) })
	}
}

// restartPlatform ends ClickHouse with a signal, and starts it again at the same address after a while.
func (b *chaosBench) restartPlatform(signal syscall.Signal, after time.Duration, registry string) {
	b.t.Helper()
	must(b.t, b.platform.cmd.Process.Signal(signal))
	b.platform.dies(b.t, signal)
	<-time.After(after)
	b.startPlatform(b.address(), "", registry)
}

func (b *chaosBench) address() string { return strings.TrimPrefix(b.server, "http://") }

// toxic harms the network until it is called off.
func (b *chaosBench) toxic(text string) (off func()) {
	b.t.Helper()
	toxic, err := b.network.Toxics.AddToxicJson(strings.NewReader(text))
	must(b.t, err)
	return func() { must(b.t, b.network.Toxics.RemoveToxic(b.t.Context(), toxic.Name)) }
}

// finish waits until all is sent, with a member that does what is left.
func (b *chaosBench) finish() {
	b.t.Helper()
	if code := b.producer.wait(b.t); code != 0 {
		b.t.Fatalf("stream produce: exit %d\n%s", code, b.producer.stderr.String())
	}
	for _, m := range b.members {
		if !m.running() && m.cmd.ProcessState.ExitCode() > 0 { // neither killed nor stopped
			b.t.Errorf("a member ended by itself: exit %d\n%s", m.cmd.ProcessState.ExitCode(), m.stderr.String())
		}
	}
	if !slices.ContainsFunc(b.members, (*process).running) {
		b.member("last")
	}
}

// keepLogs keeps what the members said of a case that failed.
func (b *chaosBench) keepLogs() {
	if !b.t.Failed() {
		return
	}
	dir, err := os.MkdirTemp("", "txflow-chaos-")
	must(b.t, err)
	for i, m := range b.members {
		must(b.t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("member-%d.log", i)), []byte(m.stderr.String()), 0o644))
	}
	b.t.Logf("the members' logs are in %s", dir)
}
