//go:build !noembed

package events

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/failpoint"
	"github.com/txflow/txflow/internal/fault"
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

// TestForget erases the events of a user, killed at each step of it, and has everything delivered again: by Kafka, by
// refine that starts from the beginning, by a replay, by an archive and by the sender. Others stay, and the user may
// come
// back.
func TestForget(t *testing.T) {
	t.Parallel()
	b := newForgetBench(t)
	const user = "user-seven"
	items := []string{itemOf(user, "company-1", "1"), itemOf("user-eight", "company-1", "2"), itemOf(user, "", "3")}
	ids := b.send("first", items...)
	b.send("first", items...) // the same again
	b.is(ids[0], "gold")
	b.is(ids[1], "gold")
	b.is(ids[2], "dead_letter")
	b.read()
	archived := b.silverOf(user)[0]
	object := filepath.Join(b.Dir, "out/events/silver/2026-11-26/0-000000000000-topic.ndjson")
	harness.Must(t, os.MkdirAll(filepath.Dir(object), 0o755))
	harness.Must(t, os.WriteFile(object, []byte(archived+"\n"+strings.ReplaceAll(archived, user, "user-eight")+"\n"),
		0o600))

	b.OK("events", "publish", "--once")
	if n := b.Count("SELECT countIf(user = reinterpretAsUInt128(sipHash128('%s'))) FROM event_entries", user); n != 1 {
		t.Errorf("%d entries of the user, want 1: a test that can not fail", n)
	}

	args := []string{"events", "forget", "--user", user, "--json"}
	var counts forgotten
	harness.Must(t, json.Unmarshal([]byte(b.OK(append(args, "--dry-run")...).Stdout.String()), &counts))
	if got := counts.String(); got != "events 1, events_bronze 2, dead_letters 1, out/events 3" || !counts.DryRun {
		t.Errorf("the dry run counts %s", got)
	}
	for _, f := range []failpoint.Point{{Name: failpoint.Requested, Nth: 1}, {Name: failpoint.Forgotten, Nth: 1},
		{Name: failpoint.Noted, Nth: 1}, {Name: failpoint.Noted, Nth: 2}, {Name: failpoint.Rewritten, Nth: 1},
		{Name: failpoint.Erased, Nth: 1}, {Name: failpoint.Deleted, Nth: 1}} {
		f.Signal = syscall.SIGKILL
		p := b.Place
		p.Env = append(p.Env[:len(p.Env):len(p.Env)], f.Env())
		p.Start(args...).DiesAt(t, f)
		code, doctor := b.Run("doctor")
		if text := doctor.Stdout.String(); code != fault.ExitUnavailable || !strings.Contains(text, "is pending") ||
			strings.Contains(text, user) {
			t.Errorf("killed at %s, doctor says, exit %d:\n%s", f.Name, code, text)
		}
	}
	done := b.OK(args...)
	harness.Must(t, json.Unmarshal([]byte(done.Stdout.String()), &counts))
	if got := counts.String(); !strings.HasPrefix(got, "events 1, events_bronze 2, dead_letters 1, out/events ") ||
		strings.Contains(done.Stdout.String()+done.Stderr.String(), user) {
		t.Errorf("the report counts %s\n%s", got, done.Stdout.String())
	}
	before := counts.Before
	b.nobody("erased", user)
	b.is(ids[0], "erased")
	b.is(ids[1], "gold")
	b.is(ids[2], "erased")
	if text := fileText(t, object); strings.Count(text, "\n") != 2 || !strings.Contains(text, `"form":"erased"`) ||
		!strings.Contains(text, "user-eight") {
		t.Errorf("the object is\n%s", text)
	}
	if text := b.OK("events", "show", ids[0]).Stdout.String(); !strings.Contains(text, "erased") ||
		strings.Contains(text, user) {
		t.Errorf("events show says\n%s", text)
	}

	b.redeliver()
	b.nobody("delivered again", user)
	b.is(ids[0], "erased")
	b.is(ids[2], "erased")

	b.send("first", items...) // a sender that knows nothing of it
	b.replayed(user, before)
	b.read()
	b.is(ids[0], "erased")

	b.refine.Terminate(t)
	b.refine.Wait(t)
	admin := kadm.NewClient(b.kafka)
	b.deleteGroup(admin, events.Group)
	b.Start("stream", "refine", "--instance", "again") // from the beginning, with an empty window
	b.read()
	b.redeliver()
	if n := b.Count("SELECT count() FROM events WHERE new_context_user_id = '%s'", user); n > 0 {
		t.Errorf("refine from the beginning brings %d events back", n)
	}
	b.is(ids[1], "gold")
	b.OK("events", "reconcile")

	back := b.send("second", itemOf(user, "company-1", "4"))
	b.is(back[0], "gold")
	if code, r := b.Run("events", "forget", "--account", "company-1", "--dry-run"); code != 0 ||
		!strings.Contains(r.Stdout.String(), "2 events (events)") {
		t.Errorf("exit %d\n%s%s", code, r.Stdout.String(), r.Stderr.String())
	}
	if text := b.OK("doctor").Stdout.String(); !strings.Contains(text, "1 persons are forgotten") {
		t.Errorf("doctor says\n%s", text)
	}
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

// forgotten is what the test reads of a report.
type forgotten struct {
	DryRun bool `json:"dry_run"`
	Before time.Time
	Erased []struct {
		Where string
		Count int
	}
}

func (f *forgotten) String() string {
	var all []string
	for _, e := range f.Erased {
		all = append(all, fmt.Sprint(e.Where, " ", e.Count))
	}
	return strings.Join(all, ", ")
}

// TestForgetWithoutRefine erases an event that no member of refine has read: it is in bronze alone. When one starts,
// the
// event comes to nothing but its id.
func TestForgetWithoutRefine(t *testing.T) {
	t.Parallel()
	b := newForgetBench(t)
	const user = "user-nine"
	gone := b.send("known", itemOf(user, "company-1", "1")) // a member has read: its group is there
	b.is(gone[0], "gold")
	b.refine.Terminate(t)
	b.refine.Wait(t)
	ids := b.send("bronze", itemOf(user, "company-1", "2"), itemOf("user-ten", "company-1", "3"))
	b.is(ids[0], "raw")
	b.is(ids[1], "raw")
	var counts forgotten
	done := b.OK("events", "forget", "--user", user, "--json")
	harness.Must(t, json.Unmarshal([]byte(done.Stdout.String()), &counts))
	if got := counts.String(); !strings.HasPrefix(got, "events 1, events_bronze 2, dead_letters 0") {
		t.Errorf("the report counts %s\n%s", got, done.Stderr.String())
	}
	b.nobody("erased", user)
	b.is(ids[1], "raw")
	b.Start("stream", "refine", "--instance", "later")
	b.is(ids[1], "gold")
	b.is(ids[0], "erased")
	b.is(gone[0], "erased")
	b.nobody("refined", user)
	b.OK("events", "reconcile")
}

// TestForgetUsage refuses what names nobody.
func TestForgetUsage(t *testing.T) {
	t.Parallel()
	p := harness.Place{T: t, Dir: t.TempDir()}
	for _, args := range [][]string{{}, {"--user", ""}, {"--account", ""}, {"--user", "a\nb"}, {"--user", " "},
		{"--user", "u", "--account", ""}, {"--user", "u", "--wait", "0s"}, {"--user", "u", "other"}} {
		if code, r := p.Run(append([]string{"events", "forget"}, args...)...); code != fault.ExitUsage {
			t.Errorf("%q: exit %d\n%s", args, code, r.Stderr.String())
		}
	}
}
