package stack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/txflow/txflow/internal/testtool"
)

type rule struct {
	Alert, Expr string
	Annotations map[string]string
}

func readRules(t *testing.T) (all []rule) {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	text, err := os.ReadFile("../../otel/prometheus/rules.yml")
	if err == nil {
		err = yaml.Unmarshal(text, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// question is what the program in promql answers: series, with a sample every five seconds, and queries at a time.
type question struct {
	Series  []string
	At      int
	Queries []string
}

type sample struct {
	Labels map[string]string
	Value  float64
}

// evaluate has Prometheus' own engine answer each query of each question.
func evaluate(t *testing.T, questions []question) (answers [][][]sample) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "promql")
	said, err := exec.CommandContext(t.Context(), "go", "build", "-C", "promql", "-o", program, ".").CombinedOutput()
	if err != nil {
		testtool.Missing(t, "Prometheus' engine can not be built here: %v\n%s", err, said)
	}
	asked, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(asked), &stderr
	said, err = cmd.Output()
	if err == nil {
		err = json.Unmarshal(said, &answers)
	}
	if err != nil || len(answers) != len(questions) {
		t.Fatalf("%d answers, %v\n%s", len(answers), err, stderr.String())
	}
	return answers
}

// now is when rules and panels are evaluated: after twenty minutes of samples.
const now = 1200

// rises is a series that grows by so much a second; stays one that does not.
func rises(series string, each float64) string { return fmt.Sprintf("%s 0+%gx240", series, each*5) }
func stays(series string, value float64) string {
	return fmt.Sprintf("%s %gx240", series, value)
}

const (
	done      = `txflow_stream_messages_total{outcome="classified"}`
	dead      = `txflow_stream_dead_letters_total{reason="unreadable"}`
	lag       = `txflow_stream_lag{partition="0"}`
	stalled   = `txflow_clickhouse_reader_stalled{table="kafka_classified",topic="transactions.classified"}`
	open      = `txflow_stream_ml_breaker{state="open"}`
	model     = `up{job="ml-api"}`
	classify  = `up{job="stream-classify",instance="10.0.0.2:9464"}`
	watcher   = `up{job="stream-status"}`
	refine    = `up{job="refine"}`
	collector = `up{job="collect"}`
	rollups   = `txflow_events_rollups_timestamp_seconds`
	failed    = `txflow_runs{status="failed"}`
	left      = `txflow_runs{status="interrupted"}`
)

// TestRules has Prometheus' engine evaluate each rule where it must fire and where it must not.
func TestRules(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, alert string
		fires       bool
		series      []string
	}{
		{"messages wait", "StreamMakesNoProgress", true, []string{stays(done, 7), stays(lag, 5)}},
		{"nothing waits", "StreamMakesNoProgress", false, []string{stays(done, 7), stays(lag, 0)}},
		{"messages are done", "StreamMakesNoProgress", false, []string{rises(done, 1), stays(lag, 5)}},
		{"far behind", "StreamLags", true, []string{rises(done, 100), stays(lag, 12_001)}},
		{"a little behind", "StreamLags", false, []string{rises(done, 100), stays(lag, 11_999)}},
		{"a table stalls", "ClickHouseReaderStalled", true, []string{stays(stalled, 1)}},
		{"a table reads", "ClickHouseReaderStalled", false, []string{stays(stalled, 0)}},
		{"one in ten", "DeadLettersRise", true, []string{rises(done, 10), rises(dead, 1)}},
		{"one in a hundred", "DeadLettersRise", false, []string{rises(done, 100), rises(dead, 1)}},
		{"nothing comes", "DeadLettersRise", false, []string{stays(done, 100), stays(dead, 9)}},
		{"the breaker is open", "MLAPIUnavailable", true, []string{stays(open, 1), stays(model, 1)}},
		{"the server is down", "MLAPIUnavailable", true, []string{stays(open, 0), stays(model, 0)}},
		{"the server is down, no stream", "MLAPIUnavailable", true, []string{stays(model, 0)}},
		{"the model answers", "MLAPIUnavailable", false, []string{stays(open, 0), stays(model, 1)}},
		{"one of two members", "KafkaUnavailable", true, []string{stays(`txflow_stream_kafka_up{instance="a"}`, 1),
			stays(`txflow_stream_kafka_up{instance="b"}`, 0)}},
		{"both reach it", "KafkaUnavailable", false, []string{stays(`txflow_stream_kafka_up{instance="a"}`, 1),
			stays(`txflow_stream_kafka_up{instance="b"}`, 1)}},
		{"old", "RollupsAreOld", true, []string{stays(rollups, now-601), stays(refine, 1)}},
		{"never", "RollupsAreOld", true, []string{stays(rollups, 0), stays(refine, 1)}},
		{"no publisher", "RollupsAreOld", true, []string{stays(refine, 1)}},
		{"fresh", "RollupsAreOld", false, []string{stays(rollups, now-599), stays(refine, 1)}},
		{"no events", "RollupsAreOld", false, []string{stays(watcher, 1)}},
		{"refine is down", "RollupsAreOld", false, []string{stays(refine, 0)}},
		{"one failed", "RunsFail", true, []string{stays(failed, 1), stays(left, 0)}},
		{"one was left", "RunsFail", true, []string{stays(failed, 0), stays(left, 1)}},
		{"all are done", "RunsFail", false, []string{stays(failed, 0), stays(left, 0),
			stays(`txflow_runs{status="done"}`, 3)}},
		{"no member", "NoMember", true, []string{stays(watcher, 1)}},
		{"members are down", "NoMember", true, []string{stays(watcher, 1), stays(classify, 0)}},
		{"no refine", "NoMember", true, []string{stays(collector, 1)}},
		{"no collector", "NoMember", true, []string{stays(refine, 1)}},
		{"all are there", "NoMember", false, []string{stays(watcher, 1), stays(classify, 1), stays(refine, 1),
			stays(collector, 1)}},
		{"files alone", "NoMember", false, []string{stays(model, 1), stays(watcher, 0)}},
		{"a service is down", "ServiceDown", true, []string{stays(model, 0), stays(watcher, 1)}},
		{"services are up", "ServiceDown", false, []string{stays(model, 1), stays(watcher, 1)}},
	}
	exprs, tried := map[string]string{}, map[string]map[bool]bool{}
	for _, r := range readRules(t) {
		exprs[r.Alert], tried[r.Alert] = r.Expr, map[bool]bool{}
	}
	var questions []question
	for _, c := range cases {
		if exprs[c.alert] == "" {
			t.Fatalf("there is no rule %s", c.alert)
		}
		tried[c.alert][c.fires] = true
		questions = append(questions, question{c.series, now, []string{exprs[c.alert]}})
	}
	for alert, both := range tried {
		if len(both) != 2 {
			t.Errorf("%s is not tried both ways: %v", alert, both)
		}
	}
	for i, answers := range evaluate(t, questions) {
		if c := cases[i]; (len(answers[0]) > 0) != c.fires {
			t.Errorf("%s, %s: fires %t, want %t: %v", c.alert, c.name, !c.fires, c.fires, answers[0])
		}
	}
}

// TestPanelsOfPrometheus has Prometheus' engine answer the query of every panel over the metrics that the services
// have.
func TestPanelsOfPrometheus(t *testing.T) {
	t.Parallel()
	series := []string{rises(done, 10), rises(dead, 1), stays(lag, 3), stays(open, 0), stays(stalled, 0),
		rises(`txflow_stream_delay_seconds_bucket{le="1"}`, 9), rises(`txflow_stream_delay_seconds_bucket{le="+Inf"}`, 10),
		rises(`txflow_ml_request_duration_seconds_bucket{le="0.1"}`, 9),
		rises(`txflow_ml_request_duration_seconds_bucket{le="+Inf"}`, 10),
		rises(`txflow_ml_requests_total{status="200"}`, 10), rises(`txflow_stream_ml_calls_total{outcome="ok",error=""}`, 1),
		stays(`txflow_clickhouse_reader_lag{table="kafka_classified",topic="transactions.classified"}`, 4)}
	q := question{Series: series, At: now}
	var titles []string
	for _, p := range readDashboard(t).Panels {
		for _, target := range p.Targets {
			if target.Expr != "" {
				q.Queries, titles = append(q.Queries, target.Expr), append(titles, p.Title)
			}
		}
	}
	if len(titles) < 10 {
		t.Errorf("%d panels ask Prometheus", len(titles))
	}
	for i, answer := range evaluate(t, []question{q})[0] {
		if len(answer) == 0 {
			t.Errorf("the panel %q shows nothing: %s", titles[i], q.Queries[i])
		}
	}
}
