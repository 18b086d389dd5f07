package e2e

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"time"
)

const (
	gold       = "SELECT count() FROM events FINAL"
	goldByID   = "SELECT count() FROM events FINAL WHERE event_id = '%s'"
	deadEvents = "SELECT count() FROM dead_letters FINAL WHERE pipeline = 'events'"
)

// package2 has an event that is accepted and one that breaks a rule, of two forms.
const package2 = `[
  {"data": {"id": "1", "amount": 100.50}, "headers": {
    "type": "Holded\\Wallet\\Domain\\Transaction\\Events\\WalletTransactionCreatedEvent",
    "targetSubscription": "wallet_events",
    "X-Message-Stamp-Holded\\Shared\\Infrastructure\\Messenger\\Stamp\\NewContextStamp":
      {"accountId": "e2e", "userId": "u"}}},
  {"event_type": "USER_LOGIN"}
]`

// collects posts a package to the collector as a sender does: what it accepts is found in gold, what it rejects among
// the dead letters, and without a token it takes nothing.
func (s *stack) collects() {
	s.t.Helper()
	if status, said := s.post("", package2); status != http.StatusUnauthorized {
		s.t.Errorf("the collector without a token: %d %s", status, said)
	}
	dead := s.count(deadEvents)
	status, said := s.post(s.secret("collect_token"), package2)
	var answer struct {
		Accepted, Rejected int
		Items              []struct{ ID string }
	}
	err := json.Unmarshal([]byte(said), &answer)
	if err != nil || status != http.StatusMultiStatus || answer.Accepted != 1 || answer.Rejected != 1 {
		s.t.Fatalf("the collector: %d %s %v", status, said, err)
	}
	s.until("the event is in gold", time.Minute,
		func() bool { return s.count(fmt.Sprintf(goldByID, answer.Items[0].ID)) == 1 })
	s.until("the dead letter is stored", time.Minute, func() bool { return s.count(deadEvents) == dead+1 })
	if said, ok := s.get("COLLECT", "/events/"+answer.Items[0].ID, "", s.secret("collect_token")); !ok ||
		!strings.Contains(said, `"state":"gold"`) {
		s.t.Errorf("the collector says of the event: %s", said)
	}
}

// forgets erases a person with the service that may, whose key refine then reads as it starts.
func (s *stack) forgets() {
	s.t.Helper()
	const ofPerson = "SELECT count() FROM events FINAL WHERE new_context_user_id = 'u'"
	before, all := s.count(ofPerson), s.count(gold)
	if before < 1 {
		s.t.Fatalf("the person has %d events", before)
	}
	said := s.script("compose", "--profile", "tools", "run", "--rm", "--no-TTY", "--no-deps", "forget", "--user", "u",
		"--json")
	s.t.Logf("forget: %s", said)
	if now := s.count(ofPerson); now != 0 {
		s.t.Errorf("the person has %d events still", now)
	}
	if now := s.count(gold); now != all-before {
		s.t.Errorf("gold has %d events, want %d", now, all-before)
	}
	s.crashes("refine")
	s.collects()
	s.eventsReconciled()
}

// post sends a package with a token.
func (s *stack) post(token, body string) (status int, said string) {
	s.t.Helper()
	request, err := http.NewRequest(http.MethodPost, s.url("COLLECT", "/collect"), strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if status, said, err = answer(request); err != nil {
		s.t.Fatal(err)
	}
	return status, said
}

// whileEventsAreSent sends events at 100 a second while something happens: each that was accepted is in gold once, and
// the proof of txflow events reconcile holds.
func (s *stack) whileEventsAreSent(events int, do func()) {
	s.t.Helper()
	before, dead := s.count(gold), s.count(deadEvents)
	type outcome struct {
		said []byte
		err  error
	}
	ended := make(chan outcome, 1)
	sender := s.command("../stack/stack", "tool", "events", "send", "--count", fmt.Sprint(events), "--rate", "100",
		"--invalid", "0.02", "--json")
	go func() {
		said, err := sender.Output()
		ended <- outcome{said, err}
	}()
	s.until("events arrive", time.Minute, func() bool { return s.count(gold) > before })
	if len(ended) > 0 {
		s.t.Error("all events had been sent when the first had arrived")
	}
	do()
	o := <-ended
	var sent struct{ Events, Accepted, Rejected int }
	if o.err != nil || json.Unmarshal(o.said, &sent) != nil || sent.Accepted+sent.Rejected != events ||
		sent.Rejected == 0 {
		s.t.Fatalf("the sender: %v\n%s\n%s", o.err, o.said, stderr(o.err))
	}
	s.until("each accepted event is in gold", 2*time.Minute, func() bool { return s.count(gold) >= before+sent.Accepted })
	s.until("the rejected events are dead letters", time.Minute,
		func() bool { return s.count(deadEvents) >= dead+sent.Rejected })
	if now := s.count(gold); now != before+sent.Accepted {
		s.t.Errorf("%d events were accepted, gold has %d more", sent.Accepted, now-before)
	}
	s.t.Logf("of %d events %d were accepted, and each is in gold once", sent.Events, sent.Accepted)
	s.eventsReconciled()
}

// eventsReconciled proves with txflow's own command that each message of events.raw is in one place.
func (s *stack) eventsReconciled() {
	s.t.Helper()
	s.t.Logf("events reconcile: %s", s.script("tool", "events", "reconcile"))
}

func stderr(err error) string {
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return string(exit.Stderr)
	}
	return ""
}

// onlyClientsReachKafka asks for Kafka's port from networks of the stack and beside it.
func (s *stack) onlyClientsReachKafka() {
	s.t.Helper()
	project := s.project()
	kafka := s.containers()["kafka"].NetworkSettings.Networks
	networks := map[string]bool{"data": true, "tasks": true, "edge": false, "bridge": false}
	if s.profile == "all" {
		networks["airflow"], networks["observability"] = false, false
	}
	var wg sync.WaitGroup // those that reach nobody wait three seconds each
	for network, reaches := range networks {
		address := kafka[project+"-data"].IPAddress
		if network != "bridge" { // Docker's own
			network = project + "-" + network
		}
		if reaches {
			address = kafka[network].IPAddress
		}
		wg.Go(func() { s.asks(network, address, reaches) })
	}
	wg.Wait()
	for network, at := range kafka {
		if err := askKafka(at.IPAddress); err == nil {
			s.t.Errorf("this machine reaches Kafka by the network %s", network)
		}
	}
}

// versions is Kafka's request ApiVersions, number 7: only a broker answers it with that number. That a connection is
// taken says nothing where a proxy takes each.
var versions = []byte{0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff}

func askKafka(address string) error {
	conn, err := net.DialTimeout("tcp", address+":9092", 3*time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	got := make([]byte, 8)
	if err = conn.SetDeadline(time.Now().Add(3 * time.Second)); err == nil {
		if _, err = conn.Write(versions); err == nil {
			_, err = io.ReadFull(conn, got)
		}
	}
	if err == nil && got[7] != 7 {
		err = fmt.Errorf("no broker: it answers %x", got)
	}
	return err
}

// asks does the same from a container on a network.
func (s *stack) asks(network, address string, reaches bool) {
	s.t.Helper()
	const ask = `import socket, sys
s = socket.create_connection((sys.argv[1], 9092), 3)
s.settimeout(3)
s.sendall(bytes.fromhex(sys.argv[2]))
sys.exit(s.recv(8, socket.MSG_WAITALL)[7:] != b"\x07")`
	said, err := s.command("docker", "run", "--rm", "--network", network, "--entrypoint", "python",
		"txflow/airflow:latest", "-c", ask, address, hex.EncodeToString(versions)).CombinedOutput()
	if (err == nil) != reaches {
		s.t.Errorf("from the network %s to Kafka at %s: %v, want %t\n%s", network, address, err, reaches, said)
	}
}
