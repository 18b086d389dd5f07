//go:build !noembed

package events

import (
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
)

// stackServer is a ClickHouse over one folder that is started as one user of the Docker stack after the other.
type stackServer struct {
	*harness.Live
	server *harness.Process
}

// as starts it again with the rights of a user.
func (s *stackServer) as(user string) {
	s.T.Helper()
	if s.server != nil {
		s.server.Terminate(s.T)
		if code := s.server.Wait(s.T); code != 0 {
			s.T.Fatalf("the server ended with %d\n%s", code, s.server.Stderr.String())
		}
	}
	p := harness.Place{T: s.T, Dir: s.Dir, Env: []string{serverOf + "=" + user,
		"TXFLOW_TEST_REPOSITORY=" + harness.MustAbs(s.T, harness.Repository)}}
	s.server = p.Start(s.Dir)
	s.ClickHouse = s.server.Find(s.T, &s.server.Stdout, `CLICKHOUSE_URL=(\S+)`) + "/?database=txflow"
	s.Connect(s.Brokers)
}

// refused has ClickHouse refuse statements for want of a right.
func (s *stackServer) refused(user string, statements ...string) {
	s.T.Helper()
	for _, sql := range statements {
		r, err := http.Post(s.ClickHouse, "text/plain", strings.NewReader(sql))
		harness.Must(s.T, err)
		said, err := io.ReadAll(r.Body)
		harness.Must(s.T, err)
		_ = r.Body.Close() // it was only read
		if !strings.Contains(string(said), "ACCESS_DENIED") && !strings.Contains(string(said), "SETTING_CONSTRAINT") {
			s.T.Errorf("%s: %s: %d %s", user, sql, r.StatusCode, said)
		}
	}
}

// TestUsersOfTheStack has each command do its work with the rights that the Docker stack's ClickHouse gives its user,
// and no more.
func TestUsersOfTheStack(t *testing.T) {
	t.Parallel()
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	harness.Must(t, err)
	t.Cleanup(kafka.Close)
	s := &stackServer{Live: &harness.Live{Brokers: kafka.ListenAddrs()[0],
		Workbench: &harness.Workbench{API: harness.StartMLAPI(t), Place: harness.Place{T: t, Dir: t.TempDir()}}}}
	s.as("migrator")
	for range 2 {
		s.OK("init", "--wait", "5m", "--registry-url", "")
	}
	s.OK("migrate", "--stream", "--check")
	s.refused("migrator", "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
		"CREATE TABLE txflow.u (a String) ENGINE = URL('http://127.0.0.1:1/', 'CSV')", "CREATE DATABASE other",
		"SELECT count() FROM system.processes")

	s.as("writer")
	s.writes()
	s.refused("writer", "TRUNCATE TABLE events", "ALTER TABLE event_arrivals DELETE WHERE 1",
		"ALTER TABLE events DELETE WHERE 1", "DROP TABLE events",
		"CREATE TABLE txflow.t (a String) ENGINE = Memory", "SELECT * FROM file('x', 'CSV', 'a String')")

	s.as("reader")
	id := s.reads()
	s.refused("reader", "INSERT INTO events (event_id) VALUES (generateUUIDv4())", "TRUNCATE TABLE events",
		"SELECT 1 SETTINGS max_execution_time = 3600", "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')")

	publishes := func(want string) {
		t.Helper()
		s.as("writer")
		if said := s.OK("events", "publish", "--once").Stderr.String(); !strings.Contains(said, want) {
			t.Errorf("the publisher says %q, want %q", said, want)
		}
	}
	publishes("3 roll-ups published, 0 removed")
	s.SQL("INSERT INTO event_entries (event_id) VALUES ('%s')", eventOfNobody) // which the publisher deletes
	publishes("0 roll-ups published, 0 removed")

	s.as("migrator")
	s.OK("events", "forget", "--user", "somebody", "--objects", "")
	if n := s.Count("SELECT count() FROM events WHERE event_id = '%s'", id); n != 0 {
		t.Errorf("the event of a forgotten person is stored %d times", n)
	}
	publishes("0 roll-ups published, 3 removed")
}

// eventOfNobody is no event.
const eventOfNobody = "00000000-0000-4000-8000-00000000dead"

// writes does what the stream, the tasks and people by hand do.
func (s *stackServer) writes() {
	s.T.Helper()
	messages, _ := s.Produce(200)
	member := s.Member("m")
	s.Reaches("messages have an outcome", messages, func() int { return s.Count(harness.OutcomesOfStream) })
	s.OK("run", "--source", "bank", "--max-reject-ratio", "1", harness.Sample(s.T, 200))
	s.OK("stream", "status", "--once", "--every", "10ms")
	for _, args := range []string{"doctor", "report", "runs", "dlq stats", "dlq list", "reconcile --stream",
		"events reconcile"} {
		s.OK(strings.Fields(args)...)
	}
	member.Terminate(s.T)
	member.Dies(s.T, syscall.SIGTERM)
}

// reads does what the collector and the page do, and returns the id of an event.
func (s *stackServer) reads() (id string) {
	s.T.Helper()
	b := &forgetBench{Live: s.Live}
	collector := s.Start("collect", "--addr", "127.0.0.1:0", "--objects", "", "--audit-log", "", "--schema-id", "1")
	b.url = "http://" + collector.Find(s.T, &collector.Stdout, `TXFLOW_COLLECT_ADDR=(\S+)`)
	s.Start("stream", "refine")
	id = b.send("k", itemOf("somebody", "company-1", "1"))[0]
	b.is(id, "gold")
	s.OK("events", "show", id)
	for _, args := range []string{"events report", "report", "runs"} {
		s.OK(strings.Fields(args)...)
	}
	page := s.Start("ui", "--addr", "127.0.0.1:0")
	url := page.Find(s.T, &page.Stdout, `(http://\S+)`)
	for _, path := range []string{"/", "/runs", "/stream", "/events", "/dead-letters", "/events/" + id} {
		if status, said := harness.Get(s.T, url+path); status != http.StatusOK || strings.Contains(said, "privileges") {
			s.T.Errorf("%s: %d %s", path, status, said)
		}
	}
	return id
}
