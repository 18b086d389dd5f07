package status

import (
	"strings"
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	look := func(committed, end int64, waited time.Duration) Look {
		return Look{At: at, Topic: "topic", Partitions: []Partition{{Committed: committed, End: end, Oldest: at.Add(-waited)},
			{Number: 1, Committed: 7, End: 7}}}
	}
	healthy := Reader{Table: "reads", Consumers: 1, Uptime: time.Hour, Polled: time.Second, Committed: time.Second,
		Failed: -1}
	with := func(change func(*Reader)) Reader {
		r := healthy
		change(&r)
		return r
	}
	for name, c := range map[string]struct {
		before, now Look
		reader      Reader
		cause       Cause
		text        string
	}{
		"nothing waits": {look(5, 5, 0), look(5, 5, 0),
			with(func(r *Reader) { r.Polled, r.Committed = time.Hour, time.Hour }), Progresses, ""},
		"it commits": {look(3, 9, time.Hour), look(5, 9, time.Hour),
			with(func(r *Reader) { r.Polled = time.Hour }), Progresses, ""},
		"a message just came": {look(5, 6, 0), look(5, 6, time.Second),
			with(func(r *Reader) { r.Committed = time.Hour }), Progresses, ""},
		"the server just began": {look(5, 6, 0), look(5, 6, time.Hour),
			with(func(r *Reader) { r.Uptime, r.Polled, r.Committed = time.Second, -1, -1 }), Progresses, ""},
		"a backlog, between blocks": {look(5, 99, 0), look(5, 99, time.Hour),
			with(func(r *Reader) { r.Failed, r.Committed, r.Error = time.Minute, 3*time.Second, "old" }), Progresses, ""},
		"never polled again": {look(5, 6, 0), look(5, 6, time.Second),
			with(func(r *Reader) { r.Polled, r.Failed, r.Error = 2*time.Minute, time.Hour, "1/1 brokers are down" }), Hangs,
			"reads does not progress with 1 message waiting: it last asked Kafka for messages 2m0s ago; its last exception, " +
				"1h0m0s ago: 1/1 brokers are down"},
		"no consumer": {look(5, 6, 0), look(5, 6, time.Minute),
			with(func(r *Reader) { r.Consumers, r.Polled, r.Committed = 0, -1, -1 }), Hangs, "it never asked"},
		"its view fails": {look(5, 6, 0), look(5, 6, time.Minute),
			with(func(r *Reader) { r.Committed, r.Failed, r.Error = time.Minute, time.Second, "Code: 395\nstack" }), Fails,
			"it reads and last stored something 1m0s ago; its last exception, 1s ago: Code: 395"},
		"it fails after a commit": {look(5, 6, 0), look(5, 6, time.Minute),
			with(func(r *Reader) { r.Committed, r.Failed, r.Error = 20*time.Second, time.Second, "x" }), Fails, "x"},
		"it failed before a commit": {look(5, 6, 0), look(5, 6, time.Minute),
			with(func(r *Reader) { r.Committed, r.Failed, r.Error = time.Minute, time.Hour, "old" }), Fails, "1m0s ago"},
		"detached": {look(5, 5, 0), look(5, 5, 0), with(func(r *Reader) { r.Missing = true }), Detached,
			"the table reads is not attached: ClickHouse does not read topic"},
	} {
		v := Judge(c.before, c.now, &c.reader, 30*time.Second)
		if v.Cause != c.cause || !strings.Contains(v.Text, c.text) || (c.text == "") != (v.Text == "") {
			t.Errorf("%s: %+v, want %d %q", name, v, c.cause, c.text)
		}
		if name == "it failed before a commit" && strings.Contains(v.Text, "old") {
			t.Errorf("%s: %s", name, v.Text)
		}
	}
}
