//go:build !noembed

package events

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/stream/events"
)

// itemOf is an event of a user; one without an account is refused.
func itemOf(user, account, id string) string {
	if account != "" {
		account = `"accountId":"` + account + `",`
	}
	return `{"data":{"id":"` + id + `","amount":1},"headers":{"type":"USER_LOGIN",` +
		`"X-Message-Stamp-Holded\\Shared\\Infrastructure\\Messenger\\Stamp\\NewContextStamp":{` + account +
		`"userId":"` + user + `"}}}`
}

// forgetBench is a platform with a collector and refine.
type forgetBench struct {
	*harness.Live
	url    string
	kafka  *kgo.Client
	refine *harness.Process
}

func newForgetBench(t *testing.T) *forgetBench {
	t.Helper()
	b := &forgetBench{Live: harness.NewLive(t)}
	collector := b.Start("collect", "--addr", "127.0.0.1:0", "--audit-log", "", "--schema-id", "1")
	b.url = "http://" + collector.Find(t, &collector.Stdout, `TXFLOW_COLLECT_ADDR=(\S+)`)
	b.refine = b.Start("stream", "refine")
	var err error
	b.kafka, err = kgo.NewClient(kgo.SeedBrokers(b.Brokers))
	harness.Must(t, err)
	t.Cleanup(b.kafka.Close)
	return b
}

// send sends a package with an Idempotency-Key, and returns the ids of its items.
func (b *forgetBench) send(key string, items ...string) (ids []string) {
	b.T.Helper()
	r, err := http.NewRequestWithContext(b.T.Context(), http.MethodPost, b.url+"/collect",
		strings.NewReader("["+strings.Join(items, ",")+"]"))
	harness.Must(b.T, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", key)
	got, err := http.DefaultClient.Do(r)
	harness.Must(b.T, err)
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	harness.Must(b.T, err)
	var answer answerOfPackage
	if harness.Must(b.T, json.Unmarshal(text, &answer)); len(answer.Items) != len(items) {
		b.T.Fatalf("%d %s", got.StatusCode, text)
	}
	for _, item := range answer.Items {
		ids = append(ids, item.ID)
	}
	return ids
}

// is waits until the collector says that an event is somewhere.
func (b *forgetBench) is(id, want string) {
	b.T.Helper()
	b.Until("GET /events/"+id+" says "+want, func() bool {
		status, text := harness.Get(b.T, b.url+"/events/"+id)
		return status == http.StatusOK && strings.Contains(text, `"state":"`+want+`"`)
	})
}

// nobody is a failure where ClickHouse or an object has a user.
func (b *forgetBench) nobody(when, user string) {
	b.T.Helper()
	for _, table := range []string{"events", "events_bronze", "dead_letters", "outcomes", "tombstones", "erased_events",
		"erased_messages"} {
		if n := b.Count("SELECT count() FROM %s WHERE position(toString(tuple(*)), '%s') > 0", table, user); n > 0 {
			b.T.Errorf("%s: %s has %d rows of %s", when, table, n, user)
		}
	}
	for _, table := range []string{"event_arrivals", "event_entries"} {
		if n := b.Count("SELECT count() FROM %s WHERE user = reinterpretAsUInt128(sipHash128('%s'))", table, user); n > 0 {
			b.T.Errorf("%s: %s has %d rows of %s", when, table, n, user)
		}
	}
	harness.Must(b.T, filepath.WalkDir(filepath.Join(b.Dir, "out"),
		func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.Contains(decoded(fileText(b.T, path)), user) {
				b.T.Errorf("%s: %s has %s", when, path, user)
			}
			return err
		}))
}

// decoded has the messages of dead letters beside the text.
func decoded(text string) string {
	all := text
	for line := range strings.Lines(text) {
		var d struct{ Raw []byte }
		if json.Unmarshal([]byte(line), &d) == nil {
			all += string(d.Raw)
		}
	}
	return all
}

// redeliver has ClickHouse read all topics of events from the beginning.
func (b *forgetBench) redeliver() {
	b.T.Helper()
	admin := kadm.NewClient(b.kafka)
	for table, group := range map[string]string{"kafka_events_raw": "txflow-clickhouse-events-raw",
		"kafka_events_silver":       "txflow-clickhouse-events-silver",
		"kafka_events_dead_letters": "txflow-clickhouse-events-dead-letters"} {
		b.SQL("DETACH TABLE %s", table)
		b.deleteGroup(admin, group)
		b.SQL("ATTACH TABLE %s", table)
	}
	b.read()
}

// deleteGroup takes the members out of a group, and deletes it.
func (b *forgetBench) deleteGroup(admin *kadm.Client, group string) {
	b.T.Helper()
	b.Until(group+" is deleted", func() bool {
		described, err := admin.DescribeGroups(b.T.Context(), group)
		harness.Must(b.T, err)
		leave := kmsg.NewPtrLeaveGroupRequest()
		leave.Group = group
		for _, m := range described[group].Members {
			member := kmsg.NewLeaveGroupRequestMember()
			member.MemberID, member.InstanceID = m.MemberID, m.InstanceID
			leave.Members = append(leave.Members, member)
		}
		if len(leave.Members) > 0 {
			_, err = leave.RequestWith(b.T.Context(), b.kafka)
			harness.Must(b.T, err)
		}
		_, err = admin.DeleteGroup(b.T.Context(), group)
		return err == nil
	})
}

// read waits until refine and ClickHouse have read what is there.
func (b *forgetBench) read() {
	b.T.Helper()
	admin := kadm.NewClient(b.kafka)
	for _, r := range [][2]string{{events.Group, events.Raw}, {"txflow-clickhouse-events-raw", events.Raw},
		{"txflow-clickhouse-events-silver", events.Silver},
		{"txflow-clickhouse-events-dead-letters", events.DeadLetters}} {
		b.Until(r[0]+" has read "+r[1], func() bool {
			ends, err := admin.ListEndOffsets(b.T.Context(), r[1])
			harness.Must(b.T, err)
			have, err := admin.FetchOffsets(b.T.Context(), r[0])
			if err != nil {
				return false
			}
			done := true
			ends.Each(func(end kadm.ListedOffset) {
				at, ok := have.Lookup(end.Topic, end.Partition)
				done = done && (end.Offset == 0 || ok && at.At >= end.Offset-1) // a marker may be last
			})
			return done
		})
	}
}

// rawOf returns the messages of events.raw whose event is of a user.
func (b *forgetBench) silverOf(user string) (values []string) {
	b.T.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Brokers), kgo.ConsumeTopics(events.Silver),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	harness.Must(b.T, err)
	defer client.Close()
	b.Until("events.silver is read", func() bool {
		client.PollFetches(b.T.Context()).EachRecord(func(r *kgo.Record) {
			if strings.Contains(string(r.Value), user) {
				values = append(values, string(r.Value))
			}
		})
		return len(values) > 0
	})
	return values
}

// replayed publishes what a replay that began before would: another event of the user, as old as those that are erased.
func (b *forgetBench) replayed(user string, before time.Time) {
	b.T.Helper()
	e := event.Event{ID: event.NewID(), Form: event.FormPackage, Type: "USER_LOGIN", AccountID: "company-1",
		UserID: user, Data: "{}"}
	version := strconv.FormatInt(before.Add(-time.Minute).UnixMicro(), 10)
	harness.Must(b.T, b.kafka.ProduceSync(b.T.Context(), &kgo.Record{Topic: events.Raw, Key: []byte(e.ID.String()),
		Value:   events.AppendRaw(events.AppendHeader(nil, 1), &e),
		Headers: []kgo.RecordHeader{{Key: "txflow-version", Value: []byte(version)}}}).FirstErr())
	b.is(e.ID.String(), "erased")
}
