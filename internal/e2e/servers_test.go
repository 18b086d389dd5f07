package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// url is an address of a service on its port.
func (s *stack) url(port, path string) string { return "http://127.0.0.1:" + s.ports[port] + path }

// get asks a service by its port; false unless it answers with 200.
func (s *stack) get(port, path, user, password string) (said string, ok bool) {
	request, err := http.NewRequest(http.MethodGet, s.url(port, path), http.NoBody)
	if err != nil {
		return "", false
	}
	switch {
	case user != "":
		request.SetBasicAuth(user, password)
	case password != "":
		request.Header.Set("Authorization", "Bearer "+password)
	}
	status, said, err := answer(request)
	return said, err == nil && status == http.StatusOK
}

func answer(request *http.Request) (status int, said string, err error) {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, strings.TrimSpace(string(text)), err
}

// clickhouse runs a statement as a user, and returns what ClickHouse answers, with its status.
func (s *stack) clickhouse(user, password, sql string) (status int, said string, err error) {
	at := s.url("CLICKHOUSE", "/?database=txflow")
	request, err := http.NewRequest(http.MethodPost, at, strings.NewReader(sql))
	if err != nil {
		return 0, "", err
	}
	request.SetBasicAuth(user, password)
	return answer(request)
}

// count is a number that ClickHouse answers its reader with; -1 where it has not answered for half a minute.
func (s *stack) count(sql string) (n int) {
	password := s.secret("clickhouse_reader")
	for deadline := time.Now().Add(30 * time.Second); ; <-time.After(250 * time.Millisecond) {
		status, said, err := s.clickhouse("reader", password, sql)
		if err == nil && status == http.StatusOK {
			if _, err = fmt.Sscan(said, &n); err == nil {
				return n
			}
		}
		if time.Now().After(deadline) {
			return -1
		}
	}
}

const stored = "SELECT count() FROM transactions FINAL"

// more waits until so many transactions more are stored than before.
func (s *stack) more(rows, than int) int {
	s.t.Helper()
	now := -1
	s.until(fmt.Sprintf("%d rows more than %d", rows, than), 4*time.Minute, func() bool {
		now = s.count(stored)
		return now >= than+rows
	})
	return now
}

// until polls until something is so.
func (s *stack) until(what string, limit time.Duration, is func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	for !is() {
		select {
		case <-ctx.Done():
			s.t.Fatalf("after %s not so: %s", limit, what)
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// reconciled waits until every message of Kafka and every row of files is in one place. Nothing may be sent meanwhile.
func (s *stack) reconciled() {
	s.t.Helper()
	var said []byte
	s.until("every message is in one place", 4*time.Minute, func() bool {
		var err error
		said, err = s.command("../stack/stack", "tool", "reconcile", "--stream").CombinedOutput()
		return err == nil
	})
	s.t.Logf("reconcile --stream:\n%s", said)
}

// spans are the requests that the ML API answered, as Jaeger has them.
func (s *stack) spans() (n int) {
	var found struct {
		Data []struct {
			Spans     []struct{ OperationName, ProcessID string }
			Processes map[string]struct{ ServiceName string }
		}
	}
	query := url.Values{"service": {"txflow-ml-api"}, "limit": {"20000"}, "lookback": {"2h"}}
	said, ok := s.get("JAEGER", "/api/traces?"+query.Encode(), "", "")
	if !ok || json.Unmarshal([]byte(said), &found) != nil {
		return -1
	}
	for _, trace := range found.Data {
		for _, span := range trace.Spans {
			if trace.Processes[span.ProcessID].ServiceName == "txflow-ml-api" && span.OperationName == "POST /predict" {
				n++
			}
		}
	}
	return n
}

var requests = regexp.MustCompile(`(?m)^txflow_ml_requests_total\{[^}]*\} (\S+)$`)

// everyCallIsTraced compares Jaeger with the ML server's own count, while nobody calls it.
func (s *stack) everyCallIsTraced() {
	s.t.Helper()
	said, ok := s.get("ML_API", "/metrics", "", s.secret("ml_api_token"))
	if !ok {
		s.t.Fatalf("the ML API's metrics: %s", said)
	}
	calls := 0
	for _, line := range requests.FindAllStringSubmatch(said, -1) {
		n, err := strconv.ParseFloat(line[1], 64)
		if err != nil {
			s.t.Fatal(err)
		}
		calls += int(n)
	}
	if calls == 0 {
		s.t.Fatal("the ML API was not called")
	}
	n := 0
	s.until("Jaeger has a span of each call", 90*time.Second, func() bool {
		n = s.spans()
		return n >= calls
	})
	if n != calls {
		s.t.Errorf("the ML API answered %d requests, Jaeger has %d", calls, n)
	}
	s.t.Logf("the ML API answered %d requests, and Jaeger has each", calls)
}

// traced waits until each of these services has traces in Jaeger.
func (s *stack) traced(services ...string) {
	s.t.Helper()
	s.until("traces of "+strings.Join(services, ", ")+" in Jaeger", time.Minute, func() bool {
		said, ok := s.get("JAEGER", "/api/services", "", "")
		for _, name := range services {
			ok = ok && strings.Contains(said, `"`+name+`"`)
		}
		return ok
	})
}

// page waits until txflow's page shows something.
func (s *stack) page(path, want string) {
	s.t.Helper()
	said := ""
	s.until("txflow's page "+path+" shows "+want, time.Minute, func() bool {
		said, _ = s.get("UI", path, "e2e", s.secret("ui_token"))
		return strings.Contains(said, want)
	})
}
