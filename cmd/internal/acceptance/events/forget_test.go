//go:build !noembed

package events

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/failpoint"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/events"
)

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
	if text := b.OK("doctor").Stdout.String(); !strings.Contains(text, "1 person is forgotten") {
		t.Errorf("doctor says\n%s", text)
	}
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
