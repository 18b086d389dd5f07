package stream

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/topics"
)

// TestReconcileStream changes rows of every table behind txflow's back, each of which it finds; without that it finds
// nothing, reads on where it ended, and asks for an answer about what retention deleted.
func TestReconcileStream(t *testing.T) {
	b := newLiveBench(t)
	b.OK("stream", "produce", "--count", "400", "--bad", "0.2")
	member := b.Member("a")
	sent := int(b.sentTo(topics.Raw))
	b.Until("all is in the ledger", func() bool { return b.Count(harness.OutcomesOfStream) == sent })
	in := func(n int) {
		t.Helper()
		want := fmt.Sprintf(`"in":%d,`, n)
		if n == 0 {
			want = `"counts":{"in":0}`
		}
		if text := b.OK("reconcile", "--stream").Stdout.String(); !strings.Contains(text, want) {
			t.Errorf("reconcile says %s, want %s", text, want)
		}
	}
	in(sent)
	in(0)
	b.OK("stream", "produce", "--count", "100", "--seed", "7", "--source", "other") // other ids
	b.Until("the next ones are in the ledger", func() bool { return b.Count(harness.OutcomesOfStream) == sent+100 })
	in(100)
	member.Terminate(t)
	member.Wait(t)

	c, err := kgo.NewClient(kgo.SeedBrokers(b.Brokers))
	harness.Must(t, err)
	defer c.Close()
	admin := kadm.NewClient(c)
	_, err = admin.DeleteGroup(t.Context(), "txflow-reconcile.txflow-classify")
	harness.Must(t, err)
	nth := func(outcome string, n int) string {
		return fmt.Sprintf("(partition, position) = (SELECT (partition, position) FROM outcomes FINAL WHERE outcome = '%s' "+
			"ORDER BY partition, position LIMIT 1 OFFSET %d)", outcome, n)
	}
	b.SQL("DELETE FROM transactions WHERE id = (SELECT id FROM outcomes FINAL WHERE outcome = 'stored' ORDER BY " +
		"partition, position LIMIT 1 OFFSET 1)")
	b.SQL("ALTER TABLE transactions UPDATE category = if(category = 'Rent', 'Food', 'Rent') WHERE id = (SELECT id FROM " +
		"outcomes FINAL WHERE outcome = 'stored' ORDER BY partition, position LIMIT 1 OFFSET 2) SETTINGS mutations_sync = 2")
	b.SQL("DELETE FROM dead_letters WHERE %s", nth("rejected", 1))
	b.SQL("ALTER TABLE outcomes UPDATE content_hash = content_hash + 1 WHERE %s SETTINGS mutations_sync = 2",
		nth("stored", 4))
	b.SQL("ALTER TABLE transactions UPDATE content_hash = content_hash + 1 WHERE id = (SELECT id FROM outcomes FINAL " +
		"WHERE outcome = 'stored' ORDER BY partition, position LIMIT 1 OFFSET 4) SETTINGS mutations_sync = 2")
	b.SQL("DELETE FROM outcomes WHERE %s", nth("stored", 5))
	b.SQL("SYSTEM STOP MERGES outcomes") // a merge would keep one of the two
	b.SQL("INSERT INTO outcomes SELECT * REPLACE (code || '_other' AS code) FROM outcomes FINAL WHERE %s",
		nth("rejected", 3))
	for range 2 { // it starts again where it started
		code, r := b.Run("reconcile", "--stream", "--findings", "5")
		text := r.Stderr.String()
		for _, kind := range []string{"missing id ", "changed id ", "no_dead_letter ", "doubled ", "other_row id ",
			"unaccounted at "} {
			if n := strings.Count(text, kind); n != 1 {
				t.Errorf("%q is found %d times", kind, n)
			}
		}
		if code != fault.ExitData {
			t.Errorf("exit %d", code)
		}
		if t.Failed() {
			t.Log(text)
		}
	}
}

// TestStreamGap has retention delete what nobody has read: it is a dead letter, and a finding until it is accepted.
func TestStreamGap(t *testing.T) {
	b := newLiveBench(t)
	b.OK("stream", "produce", "--count", "300")
	member := b.Member("a")
	b.Until("all is in the ledger", func() bool { return b.Count(harness.OutcomesOfStream) == 300 })
	member.Terminate(t)
	member.Wait(t)
	b.OK("reconcile", "--stream")
	b.OK("stream", "produce", "--count", "300", "--seed", "5")
	c, err := kgo.NewClient(kgo.SeedBrokers(b.Brokers))
	harness.Must(t, err)
	defer c.Close()
	admin := kadm.NewClient(c)
	committed, err := admin.FetchOffsets(t.Context(), "txflow-classify")
	harness.Must(t, err)
	at, ok := committed.Lookup(topics.Raw, 0)
	if !ok {
		t.Fatal("nothing is committed of partition 0")
	}
	offsets := kadm.Offsets{}
	offsets.AddOffset(topics.Raw, 0, at.At+3, -1)
	_, err = admin.DeleteRecords(t.Context(), offsets)
	harness.Must(t, err)
	finds := func(when string) {
		t.Helper()
		code, r := b.Run("reconcile", "--stream")
		if text := r.Stderr.String(); code != fault.ExitData || strings.Count(text, "gap at transactions.raw/0:") != 1 ||
			!strings.Contains(text, "--accept-gap") {
			t.Errorf("%s: exit %d\n%s", when, code, text)
		}
	}
	finds("before a member sees it")
	member = b.Member("a", "TXFLOW_STREAM_WATCH_ADDR="+harness.FreeAddr(t))
	b.Until("the rest is in the ledger", func() bool { return b.Count(harness.OutcomesOfStream) == 600-3+1 })
	member.Find(t, &member.Stderr, `(retention deleted offsets before they were read)`)
	finds("when a member recorded it")
	if text := b.OK("dlq", "list", "--reason", "offsets_deleted").Stdout.String(); !strings.Contains(text,
		"offsets_deleted") {
		t.Errorf("dlq list: %s", text)
	}
	if code, r := b.Run("dlq", "replay", "--reason", "offsets_deleted"); code != fault.ExitNothing {
		t.Errorf("a replay of deleted offsets: exit %d\n%s", code, r.Stderr.String())
	}
	b.OK("reconcile", "--stream", "--accept-gap")
	b.OK("reconcile", "--stream")
}

// sentTo is how many messages stand in a topic that nobody writes to in transactions.
func (b *liveBench) sentTo(topic string) (messages int64) {
	b.T.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(b.Brokers))
	harness.Must(b.T, err)
	defer c.Close()
	ends, err := kadm.NewClient(c).ListEndOffsets(b.T.Context(), topic)
	harness.Must(b.T, err)
	ends.Each(func(o kadm.ListedOffset) { messages += o.Offset })
	return messages
}
