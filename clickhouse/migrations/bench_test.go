package migrations_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/txflow/txflow/clickhouse/migrate"
	"github.com/txflow/txflow/clickhouse/migrations"
	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/embedded"
	"github.com/txflow/txflow/internal/secret"
)

// How many migrations the first release had.
const firstCore, firstStream = 18, 6

const (
	partitions                         = 3 // of classifiedTopic
	classifiedTopic, classifiedGroup   = "transactions.classified", "txflow-clickhouse-classified"
	deadLettersTopic, deadLettersGroup = "transactions.dlq", "txflow-clickhouse-dead-letters"
)

// at is the place of a message in its topic.
type at struct {
	partition int32
	offset    int64
}

// bench is the real path: topics, ClickHouse's Kafka tables, and what they feed.
type bench struct {
	t       *testing.T
	url     string
	brokers string
	db      *store.Store
	kafka   *kgo.Client
	rand    *rand.Rand
}

// newBench starts a platform with the topics and without tables. Another data folder can not be opened in this process.
func newBench(t *testing.T) *bench {
	t.Helper()
	p, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir(), ClickHouseAddr: "127.0.0.1:0",
		KafkaAddr: "127.0.0.1:0"})
	must(t, err)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	b := &bench{t: t, url: p.ClickHouseURL(), brokers: p.KafkaAddr(), rand: rand.New(rand.NewPCG(seed, 0))}
	b.db, err = store.Open(store.Config{URL: secret.NewURL(b.url)})
	must(t, err)
	b.kafka, err = kgo.NewClient(kgo.SeedBrokers(b.brokers), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	must(t, err)
	t.Cleanup(func() {
		b.kafka.Close()
		b.db.Close()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	for topic, n := range map[string]int32{classifiedTopic: partitions, deadLettersTopic: 1} {
		_, err := kadm.NewClient(b.kafka).CreateTopic(t.Context(), n, 1, nil, topic)
		must(t, err)
	}
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// migrate applies the first n migrations of a set; all of them for 0.
func (b *bench) migrate(name string, files fs.FS, n int) {
	b.t.Helper()
	all, err := migrate.Load(files)
	must(b.t, err)
	if n > 0 {
		all = all[:n]
		for i := range all {
			all[i].Replaced = false // as that release applied them
		}
	}
	must(b.t, migrate.Up(b.t.Context(), b.db, migrate.Set{Name: name, Migrations: all}, func(migrate.Migration) {}))
}

// firstRelease makes the tables of the first release.
func (b *bench) firstRelease() {
	b.t.Helper()
	b.migrate("core", migrations.Files, firstCore)
	_, err := b.db.SetBrokers(b.t.Context(), b.brokers, nil)
	must(b.t, err)
	b.migrate("stream", migrations.Stream(), firstStream)
}

// upgrade does what txflow migrate --stream does.
func (b *bench) upgrade() {
	b.t.Helper()
	before := b.groups()
	b.migrate("core", migrations.Files, 0)
	old, err := b.db.SetBrokers(b.t.Context(), b.brokers, nil)
	must(b.t, err)
	b.migrate("stream", migrations.Stream(), 0)
	if tables, err := b.db.Reattach(b.t.Context(), old); err != nil || len(old) != 2 || len(tables) > 0 {
		b.t.Fatalf("%v are attached again, which the migrations have just made; before: %v: %v", tables, old, err)
	}
	b.expire(before)
}

// groups describes the groups of ClickHouse's Kafka tables.
func (b *bench) groups() []kadm.DescribedGroup {
	b.t.Helper()
	groups, err := kadm.NewClient(b.kafka).DescribeGroups(b.t.Context(), classifiedGroup, deadLettersGroup)
	must(b.t, err)
	return groups.Sorted()
}

// expire takes members out of their groups, as the broker does when their sessions time out: a consumer of a table that
// is dropped does not leave its group. One that was just joining costs the next consumer a session timeout of 45 s
// twice.
func (b *bench) expire(groups []kadm.DescribedGroup) {
	b.t.Helper()
	for _, g := range groups {
		leave := kmsg.NewPtrLeaveGroupRequest()
		leave.Group = g.Group
		for _, m := range g.Members {
			member := kmsg.NewLeaveGroupRequestMember()
			member.MemberID = m.MemberID
			leave.Members = append(leave.Members, member)
		}
		if len(leave.Members) > 0 {
			_, err := leave.RequestWith(b.t.Context(), b.kafka)
			must(b.t, err)
		}
	}
}

// expireDropped takes out the members that no table has had for a while, once each: a consumer may have joined in the
// moment its table was dropped, and the embedded broker gives such a member up to max.poll.interval.ms, 5 minutes.
func (b *bench) expireDropped(since map[string]time.Time) {
	b.t.Helper()
	tables := b.sql("SELECT consumer_id FROM system.kafka_consumers")
	groups := b.groups()
	for i := range groups {
		groups[i].Members = slices.DeleteFunc(groups[i].Members, func(m kadm.DescribedGroupMember) bool {
			first, seen := since[m.MemberID]
			switch {
			case strings.Contains(tables, m.MemberID):
				delete(since, m.MemberID)
			case !seen:
				since[m.MemberID] = time.Now()
			case !first.IsZero() && time.Since(first) > 20*time.Second:
				since[m.MemberID] = time.Time{} // once
				return false
			}
			return true
		})
	}
	b.expire(groups)
}

// produce sends messages and returns where each is.
func (b *bench) produce(topic string, messages ...[]byte) map[at][]byte {
	b.t.Helper()
	records := make([]*kgo.Record, len(messages))
	for i, m := range messages {
		records[i] = &kgo.Record{Topic: topic, Value: m}
	}
	sent := map[at][]byte{}
	for _, r := range b.kafka.ProduceSync(b.t.Context(), records...) {
		must(b.t, r.Err)
		sent[at{r.Record.Partition, r.Record.Offset}] = r.Record.Value
	}
	return sent
}

// drained waits until a group of ClickHouse has read its topic to the end.
func (b *bench) drained(group, topic string) {
	b.t.Helper()
	admin := kadm.NewClient(b.kafka)
	since := map[string]time.Time{}
	b.until("the group "+group+" has read all", func() bool {
		b.expireDropped(since)
		ends, err := admin.ListEndOffsets(b.t.Context(), topic)
		must(b.t, err)
		read, err := admin.FetchOffsets(b.t.Context(), group)
		must(b.t, err)
		done := true
		ends.Each(func(end kadm.ListedOffset) {
			o, ok := read.Lookup(topic, end.Partition)
			done = done && (end.Offset == 0 || ok && o.At >= end.Offset)
		})
		return done
	})
}

func (b *bench) until(what string, is func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(6 * time.Minute); !is(); <-time.After(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			b.t.Fatalf("not within 6 minutes: %s; %s", what, b.readers())
		}
	}
}

// readers describes ClickHouse's consumers and their groups.
func (b *bench) readers() string {
	b.t.Helper()
	out := b.sql("SELECT table, consumer_id, assignments.partition_id, assignments.current_offset, num_messages_read, " +
		"last_poll_time, last_commit_time, " +
		"last_rebalance_time, num_rebalance_assignments, is_currently_used, exceptions.text FROM system.kafka_consumers")
	for _, g := range b.groups() {
		out += fmt.Sprintf("\n%s is %s", g.Group, g.State)
		for _, m := range g.Members {
			assigned, _ := m.Assigned.AsConsumer()
			out += fmt.Sprintf("; %s has %v", m.MemberID, assigned)
		}
		offsets, _ := kadm.NewClient(b.kafka).FetchOffsets(b.t.Context(), g.Group) // none where there is no group yet
		offsets.Each(func(o kadm.OffsetResponse) { out += fmt.Sprintf("; %d at %d", o.Partition, o.At) })
	}
	return out
}

// sql runs a statement and returns the result's text.
func (b *bench) sql(format string, args ...any) string {
	b.t.Helper()
	body := b.open(fmt.Sprintf(format, args...))
	defer func() { _ = body.Close() }() // it was only read
	text, err := io.ReadAll(body)
	must(b.t, err)
	return strings.TrimSpace(string(text))
}

func (b *bench) open(statement string) io.ReadCloser {
	b.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost,
		b.url+"/?database="+store.DefaultDatabase, strings.NewReader(statement))
	must(b.t, err)
	resp, err := http.DefaultClient.Do(request)
	must(b.t, err)
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		b.t.Fatalf("%s: %d %s", statement, resp.StatusCode, text)
	}
	return resp.Body
}

// null is how ClickHouse writes NULL among texts.
const null = "ᴺᵁᴸᴸ"

// rows calls visit for each row of a query: every value is a text, or nil for NULL.
func (b *bench) rows(query string, visit func(row map[string]*string)) {
	b.t.Helper()
	body := b.open(query + " FORMAT JSONStringsEachRow")
	defer func() { _ = body.Close() }() // it was only read
	for decoder := json.NewDecoder(body); ; {
		var row map[string]*string
		err := decoder.Decode(&row)
		if err == io.EOF {
			return
		}
		must(b.t, err)
		for name, value := range row {
			if value != nil && *value == null {
				row[name] = nil
			}
		}
		visit(row)
	}
}
