package embedded_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/fault"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/txflow/txflow/internal/embedded"
)

func start(t *testing.T, dir string) *embedded.Platform {
	t.Helper()
	p, err := embedded.Start(t.Context(), embedded.Config{Dir: dir, ClickHouseAddr: "127.0.0.1:0",
		KafkaAddr: "127.0.0.1:0", RegistryAddr: "127.0.0.1:0", Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, p) })
	return p
}

// stopped holds what a test stopped itself: the engine may be opened once a process.
var stopped = map[*embedded.Platform]bool{}

func stop(t *testing.T, p *embedded.Platform) {
	t.Helper()
	if !stopped[p] {
		stopped[p] = true
		must(t, p.Close())
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ask(t *testing.T, method, url, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	must(t, err)
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(t, err)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s: %s", method, url, resp.Status, text)
	}
	return strings.TrimSpace(string(text))
}

// TestRestartKeepsEverything stops a platform and opens its folder again: rows, messages and schemas are all there.
func TestRestartKeepsEverything(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	ask(t, "POST", p.ClickHouseURL(), "CREATE TABLE kept (n UInt8) ENGINE = MergeTree ORDER BY n")
	ask(t, "POST", p.ClickHouseURL(), "INSERT INTO kept VALUES (1), (2)")
	produce(t, p.KafkaAddr(), "kept", "message")
	id := ask(t, "POST", p.RegistryURL()+"/subjects/kept/versions", `{"schema": "\"string\""}`)
	stop(t, p)

	p = start(t, dir)
	if got := ask(t, "POST", p.ClickHouseURL(), "SELECT sum(n) FROM kept"); got != "3" {
		t.Errorf("the table holds %s", got)
	}
	if got := consume(t, p.KafkaAddr(), "kept"); got != "message" {
		t.Errorf("the topic holds %q", got)
	}
	if got := ask(t, "POST", p.RegistryURL()+"/subjects/kept/versions", `{"schema": "\"string\""}`); got != id {
		t.Errorf("the schema is %s, was %s", got, id)
	}
}

func produce(t *testing.T, broker, topic, text string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	must(t, err)
	defer client.Close()
	create := kmsg.NewPtrCreateTopicsRequest()
	create.Topics = []kmsg.CreateTopicsRequestTopic{{Topic: topic, NumPartitions: 1, ReplicationFactor: 1}}
	_, err = create.RequestWith(t.Context(), client)
	must(t, err)
	must(t, client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte(text)}).FirstErr())
}

func consume(t *testing.T, broker, topic string) string {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	must(t, err)
	defer client.Close()
	fetches := client.PollFetches(t.Context())
	must(t, fetches.Err())
	return string(fetches.Records()[0].Value)
}

// TestOneProcessOwnsAFolder opens a folder twice: the second is refused, says who has it, and harms nothing.
func TestOneProcessOwnsAFolder(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	_, err := embedded.Start(t.Context(), embedded.Config{Dir: dir, ClickHouseAddr: "127.0.0.1:0"})
	if fault.ExitCode(err) != fault.ExitUnavailable ||
		!strings.Contains(err.Error(), "is open in another txflow (process ") || fault.Hint(err) == "" {
		t.Errorf("the second open: exit %d, %v, next: %q", fault.ExitCode(err), err, fault.Hint(err))
	}
	if got := ask(t, "POST", p.ClickHouseURL(), "SELECT 1"); got != "1" {
		t.Errorf("the first answers %q", got)
	}
}

// TestTakenPort names the part and the address, and lets the folder go.
func TestTakenPort(t *testing.T) {
	p := start(t, t.TempDir())
	dir := t.TempDir()
	taken := strings.TrimPrefix(p.ClickHouseURL(), "http://")
	_, err := embedded.Start(t.Context(), embedded.Config{Dir: dir, ClickHouseAddr: taken})
	if fault.ExitCode(err) != fault.ExitUnavailable ||
		!strings.Contains(err.Error(), "ClickHouse can not listen on "+taken) {
		t.Errorf("exit %d, %v", fault.ExitCode(err), err)
	}
}

// TestRegistryJournal cuts the journal's last line off, as a kill would, and then spoils a whole one.
func TestRegistryJournal(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	ask(t, "POST", p.RegistryURL()+"/subjects/kept/versions", `{"schema": "\"string\""}`)
	stop(t, p)
	journal := filepath.Join(dir, "registry", "journal.ndjson")
	whole, err := os.ReadFile(journal)
	must(t, err)
	must(t, os.WriteFile(journal, append(bytes.Clone(whole), `{"method":"POST","pa`...), 0o644))
	p = start(t, dir)
	if got := ask(t, "GET", p.RegistryURL()+"/subjects", ""); got != `["kept"]` {
		t.Errorf("subjects %s", got)
	}
	stop(t, p)
	if got, err := os.ReadFile(journal); err != nil || !bytes.Equal(got, whole) {
		t.Errorf("the journal is %q, %v; want %q", got, err, whole)
	}
	must(t, os.WriteFile(journal, []byte("nonsense\n"), 0o644))
	_, err = embedded.Start(t.Context(), embedded.Config{Dir: dir, ClickHouseAddr: "127.0.0.1:0",
		RegistryAddr: "127.0.0.1:0"})
	if fault.ExitCode(err) != fault.ExitData || !strings.Contains(err.Error(), journal) {
		t.Errorf("a spoiled journal: exit %d, %v", fault.ExitCode(err), err)
	}
}

// TestKafkaAddress refuses what the embedded broker can not do.
func TestKafkaAddress(t *testing.T) {
	_, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir(), ClickHouseAddr: "127.0.0.1:0",
		KafkaAddr: "0.0.0.0:0"})
	if fault.ExitCode(err) != fault.ExitUsage || !strings.Contains(err.Error(), "127.0.0.1 only") {
		t.Errorf("exit %d, %v", fault.ExitCode(err), err)
	}
}

// TestPingWaitsForTables asks while tables are made: /ping says that it is too early, statements run.
func TestPingWaitsForTables(t *testing.T) {
	early := 0
	p, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir(), ClickHouseAddr: "127.0.0.1:0",
		Prepare: func(_ context.Context, p *embedded.Platform) error {
			url := p.ClickHouseURL()
			resp, err := http.Get(url + "/ping")
			if err == nil {
				early = resp.StatusCode
				err = resp.Body.Close()
			}
			ask(t, "POST", url, "CREATE TABLE prepared (n UInt8) ENGINE = Memory")
			return err
		}})
	must(t, err)
	t.Cleanup(func() { stop(t, p) })
	if late := ask(t, "GET", p.ClickHouseURL()+"/ping", ""); early != http.StatusServiceUnavailable || late != "Ok." {
		t.Errorf("/ping says %d early and %q late", early, late)
	}
}

// TestBeyondThisMachine asks for a password there, in each way in which clients send one, and keeps what has none at
// home.
func TestBeyondThisMachine(t *testing.T) {
	for _, cfg := range []embedded.Config{{ClickHouseAddr: "0.0.0.0:0"}, {ClickHouseAddr: ":0"},
		{ClickHouseAddr: "127.0.0.1:0", RegistryAddr: "0.0.0.0:0"},
		{ClickHouseAddr: "[::]:0"}} {
		cfg.Dir = t.TempDir()
		if _, err := embedded.Start(t.Context(), cfg); fault.ExitCode(err) != fault.ExitUsage ||
			!strings.Contains(err.Error(), "127.0.0.1 only") {
			t.Errorf("%s and %s: exit %d, %v", cfg.ClickHouseAddr, cfg.RegistryAddr, fault.ExitCode(err), err)
		}
	}
	p, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir(), ClickHouseAddr: "0.0.0.0:0",
		Password: "pass:wörd"})
	must(t, err)
	t.Cleanup(func() { stop(t, p) })
	_, port, err := net.SplitHostPort(strings.TrimPrefix(p.ClickHouseURL(), "http://"))
	must(t, err)
	a := &attacker{T: t, p: p}
	at := "http://127.0.0.1:" + port + "/?query=SELECT+1"
	basic := func(password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte("default:"+password))
	}
	for _, header := range [][]string{{}, {"X-ClickHouse-Key", "wrong"}, {"Authorization", basic("")},
		{"Authorization", basic("pass:wörd ")}, {"X-ClickHouse-User", "eve", "X-ClickHouse-Key", "pass:wörd"}} {
		a.refused(strings.Join(header, " "), a.send("GET", at, "", header...), http.StatusForbidden)
	}
	for _, got := range []reply{a.send("GET", at, "", "X-ClickHouse-Key", "pass:wörd"),
		a.send("GET", at, "", "Authorization", basic("pass:wörd")),
		a.send("GET", at+"&password="+url.QueryEscape("pass:wörd"), "")} {
		if got.body != "1\n" {
			t.Errorf("the password is refused: %v", got)
		}
	}
}
