package main

import (
	"syscall"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/txflow/txflow/stream/topics"
)

// clickHouseGroups are ClickHouse's consumer groups.
var clickHouseGroups = map[string]string{topics.Classified: "txflow-clickhouse-classified",
	topics.DeadLetters: "txflow-clickhouse-dead-letters"}

// redeliver replays some dead letters and purges others, then has ClickHouse read everything from the beginning. What
// it shows must stay as it was.
func redeliver(b *chaosBench) {
	const open = "SELECT count() FROM dead_letters FINAL WHERE state = 'open' AND code = 'message_format'"
	replayed := b.count(open)
	b.ok("dlq", "replay", "--reason", "message_format")
	b.until("the replayed dead letters are back", func() bool { return b.count(open+" AND replays = 1") == replayed })
	b.ok("dlq", "purge", "--reason", "message_format")
	written, results := map[string][]*kgo.Record{}, 0
	for topic := range clickHouseGroups {
		written[topic] = b.read(topic).records
		results += len(written[topic])
	}
	b.again += results // besides those that members were delivered again
	client, err := kgo.NewClient(kgo.SeedBrokers(b.brokers))
	must(b.t, err)
	defer client.Close()
	admin := kadm.NewClient(client)
	readAll := func() bool { return b.clickHouseHasRead(admin, written) }
	b.until("ClickHouse has read everything", readAll)
	before := b.shown()
	b.harm(func() {
		must(b.t, b.platform.cmd.Process.Signal(syscall.SIGTERM))
		b.platform.dies(b.t, syscall.SIGTERM)
		for _, group := range clickHouseGroups {
			b.until("the group is deleted", func() bool {
				_, err := admin.DeleteGroup(b.t.Context(), group)
				return err == nil
			})
		}
		if readAll() {
			b.t.Fatal("the groups are still there")
		}
		b.startPlatform(b.address(), "", "")
	})
	b.until("ClickHouse has read everything again", readAll)
	if n := b.count("SELECT sum(value) FROM system.events WHERE event = 'KafkaRowsRead'"); n < results {
		b.t.Errorf("ClickHouse read %d rows, want %d", n, results)
	}
	if after := b.shown(); after != before {
		b.t.Errorf("delivered again: %s", firstDifference(after, before))
	}
}

// clickHouseHasRead reports whether ClickHouse has stored the records of its topics, and committed that.
func (b *liveBench) clickHouseHasRead(admin *kadm.Client, written map[string][]*kgo.Record) bool {
	for topic, group := range clickHouseGroups {
		offsets, err := admin.FetchOffsets(b.t.Context(), group)
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
	b.t.Helper()
	return b.sql("SELECT 'transactions', count(), groupBitXor(cityHash64(* EXCEPT inserted_at)) FROM transactions FINAL") +
		"\n" +
		b.sql("SELECT 'outcomes', count(), groupBitXor(cityHash64(* EXCEPT recorded_at)) FROM outcomes FINAL") + "\n" +
		b.sql("SELECT 'dead_letters', state, count(), groupBitXor(cityHash64(*)) FROM dead_letters FINAL GROUP BY state ORDER BY state") + "\n" + b.gold()
}
