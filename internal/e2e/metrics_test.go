package e2e

import (
	"encoding/json"
	"net/url"
	"os"
	"time"
)

// observed has Prometheus answer the query of every panel, and evaluate every rule.
func (s *stack) observed() {
	s.t.Helper()
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	text, err := os.ReadFile("../../otel/grafana/dashboards/txflow.json")
	if err == nil {
		err = json.Unmarshal(text, &dashboard)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			if target.Expr == "" {
				continue
			}
			s.until("the panel "+panel.Title+" shows something: "+target.Expr, 2*time.Minute, func() bool {
				var found struct {
					Data struct{ Result []json.RawMessage }
				}
				return s.prometheus("query?"+url.Values{"query": {target.Expr}}.Encode(), &found) && len(found.Data.Result) > 0
			})
		}
	}
	s.rolledUp()
	var rules struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, State, LastError string }
			}
		}
	}
	if !s.prometheus("rules", &rules) || len(rules.Data.Groups) != 1 {
		s.t.Fatalf("Prometheus has the rules %+v", rules)
	}
	for _, rule := range rules.Data.Groups[0].Rules {
		firing := rule.State == "firing" && rule.Name != "ServiceDown" // the stand-in for ClickHouse gives no metrics
		if rule.Health != "ok" || firing {
			s.t.Errorf("the rule %+v", rule)
		}
	}
}

// rolledUp waits until events.analytics says what gold says, by the publisher's own metrics.
func (s *stack) rolledUp() {
	s.t.Helper()
	s.until("events.analytics has roll-ups", 3*time.Minute, func() bool {
		var found struct {
			Data struct{ Result []json.RawMessage }
		}
		const query = "txflow_events_rollups > 0 and txflow_events_rollups_timestamp_seconds > 0"
		return s.prometheus("query?"+url.Values{"query": {query}}.Encode(), &found) && len(found.Data.Result) > 0
	})
}

// prometheus asks its API, and reports whether it answered.
func (s *stack) prometheus(path string, into any) bool {
	said, ok := s.get("PROMETHEUS", "/api/v1/"+path, "", "")
	return ok && json.Unmarshal([]byte(said), into) == nil
}
