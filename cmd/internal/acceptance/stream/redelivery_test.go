package stream

import (
	"syscall"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/stream/topics"
)

// clickHouseGroups are ClickHouse's consumer groups.
var clickHouseGroups = map[string]string{topics.Classified: "txflow-clickhouse-classified",
	topics.DeadLetters: "txflow-clickhouse-dead-letters"}

// redeliver replays some dead letters and purges others, then has ClickHouse read everything from the beginning. What
// it shows must stay as it was.
func redeliver(b *chaosBench) {
	const open = "SELECT count() FROM dead_letters FINAL WHERE state = 'open' AND code = 'message_format'"
	replayed := b.Count(open)
	b.OK("dlq", "replay", "--reason", "message_format")
	b.Until("the replayed dead letters are back", func() bool { return b.Count(open+" AND replays = 1") == replayed })
	b.OK("dlq", "purge", "--reason", "message_format")
	written, results := map[string][]*kgo.Record{}, 0
	for topic := range clickHouseGroups {
		written[topic] = b.read(topic).records
		results += len(written[topic])
	}
	b.again += results // besides those that members were delivered again
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Brokers))
	harness.Must(b.T, err)
	defer client.Close()
	admin := kadm.NewClient(client)
	readAll := func() bool { return b.clickHouseHasRead(admin, written) }
	b.Until("ClickHouse has read everything", readAll)
	before := b.shown()
	b.harm(func() {
		harness.Must(b.T, b.Platform.Cmd.Process.Signal(syscall.SIGTERM))
		b.Platform.Dies(b.T, syscall.SIGTERM)
		for _, group := range clickHouseGroups {
			b.Until("the group is deleted", func() bool {
				_, err := admin.DeleteGroup(b.T.Context(), group)
				return err == nil
			})
		}
		if readAll() {
			b.T.Fatal("the groups are still there")
		}
		b.StartPlatform(b.address(), "", "")
	})
	b.Until("ClickHouse has read everything again", readAll)
	if n := b.Count("SELECT sum(value) FROM system.events WHERE event = 'KafkaRowsRead'"); n < results {
		b.T.Errorf("ClickHouse read %d rows, want %d", n, results)
	}
	if after := b.shown(); after != before {
		b.T.Errorf("delivered again: %s", firstDifference(after, before))
	}
}

// clickHouseHasRead reports whether ClickHouse has stored the records of its topics, and committed that.
func (b *liveBench) clickHouseHasRead(admin *kadm.Client, written map[string][]*kgo.Record) bool {
	for topic, group := range clickHouseGroups {
		offsets, err := admin.FetchOffsets(b.T.Context(), group)
		if err != nil {
			return false // the broker looks for the group's coordinator
		}
		for _, r := range written[topic] {
			if at, ok := offsets.Lookup(topic, r.Partition); !ok || at.At <= r.Offset {
				return false
			}
		}
	}
	return true
}

// shown is all that readers see: the tables by count and digest, dead letters by their state, and gold.
func (b *chaosBench) shown() string {
	b.T.Helper()
	return b.SQL("SELECT 'transactions', count(), groupBitXor(cityHash64(* EXCEPT inserted_at)) FROM transactions FINAL") +
		"\n" +
		b.SQL("SELECT 'outcomes', count(), groupBitXor(cityHash64(* EXCEPT recorded_at)) FROM outcomes FINAL") + "\n" +
		b.SQL("SELECT 'dead_letters', state, count(), groupBitXor(cityHash64(*)) FROM dead_letters FINAL GROUP BY state "+
			"ORDER BY state") + "\n" + b.Gold()
}
