package registry

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/fault"

	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/txflow/txflow/internal/registryserver/registrytest"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/schemas"
)

func open(t *testing.T, url string) *Client {
	t.Helper()
	c, err := New(url)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestRegister gives a registry all schemas, twice, and then one more version, and then one that can not follow.
func TestRegister(t *testing.T) {
	t.Parallel()
	t.Run("fake", func(t *testing.T) {
		t.Parallel()
		fake := srfake.New()
		t.Cleanup(fake.Close)
		registers(t, fake.URL(), false)
	})
	t.Run("real", func(t *testing.T) {
		t.Parallel()
		registers(t, registrytest.Start(t).URL(), true)
	})
}

// registers works with an empty registry; one that judges refuses what can not follow.
func registers(t *testing.T, url string, judges bool) {
	t.Helper()
	c := open(t, url)
	all, err := schemas.All()
	if err != nil {
		t.Fatal(err)
	}
	apply := func() (n int) {
		t.Helper()
		plan, err := schemas.Plan(t.Context(), c, all)
		if err != nil {
			t.Fatal(err)
		}
		if err := schemas.Apply(t.Context(), c, plan, func(schemas.Change) { n++ }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	want := 0 // the rule and every version of each subject
	for _, subject := range all {
		want += 1 + len(subject.Versions)
	}
	if first, second := apply(), apply(); first != want || second != 0 {
		t.Errorf("changes the first time %d, the second time %d", first, second)
	}
	all[0].Versions = append(all[0].Versions, strings.Replace(all[0].Latest(), `"properties": {`,
		`"properties": {"note": {"type": "string"},`, 1))
	if n := apply(); n != 1 {
		t.Errorf("a version more makes %d changes", n)
	}
	for _, s := range all {
		have, err := c.Versions(t.Context(), s.Name)
		if err != nil || !slices.EqualFunc(have, s.Versions, sameJSON) {
			t.Errorf("%s: %v has %q", s.Name, err, have)
		}
		if level, err := c.Level(t.Context(), s.Name); err != nil || level != schemas.Level {
			t.Errorf("%s: %v has level %s", s.Name, err, level)
		}
	}
	if level, err := c.Level(t.Context(), "unknown-value"); err != nil || level == schemas.Level {
		t.Errorf("a subject that is not there has level %q, %v", level, err)
	}
	if versions, err := c.Versions(t.Context(), "unknown-value"); err != nil || len(versions) > 0 {
		t.Errorf("a subject that is not there has versions %q, %v", versions, err)
	}
	id, err := c.AvroID(t.Context(), schemas.RawEvents, events.RawSchema)
	if again, errAgain := c.AvroID(t.Context(), schemas.RawEvents, events.RawSchema); err != nil || errAgain != nil ||
		id < 1 || again != id {
		t.Errorf("the id of events.raw is %d and %d: %v, %v", id, again, err, errAgain)
	}
	for subject, schema := range map[string]string{"unknown-value": events.RawSchema,
		schemas.RawEvents: `{"type":"record","name":"Other","fields":[]}`} {
		if _, err := c.AvroID(t.Context(), subject, schema); fault.ExitCode(err) != fault.ExitUnavailable ||
			!strings.Contains(fault.Hint(err), "schemas register") {
			t.Errorf("a schema of %s that is not registered: %v", subject, err)
		}
	}
	if !judges {
		return
	}
	required := strings.Replace(events.RawSchema, `"fields": [`, `"fields": [{"name": "new", "type": "string"},`, 1)
	if found, err := c.Findings(t.Context(), schemas.RawEvents, schemas.Avro, required); err != nil || len(found) == 0 {
		t.Errorf("findings of an Avro schema that can not follow: %q, %v", found, err)
	}
	if err := c.Register(t.Context(), schemas.RawEvents, schemas.Avro,
		required); fault.ExitCode(err) != fault.ExitData {
		t.Errorf("it is registered: exit %d, %v", fault.ExitCode(err), err)
	}
	optional := strings.Replace(events.RawSchema, `"fields": [`,
		`"fields": [{"name": "new", "type": "string", "default": ""},`, 1)
	if found, err := c.Findings(t.Context(), schemas.RawEvents, schemas.Avro, optional); err != nil || len(found) > 0 {
		t.Errorf("findings of an Avro schema that can follow: %q, %v", found, err)
	}
	const breaking = `{"type":"object","properties":{"id":{"type":"boolean"}},"additionalProperties":false,` +
		`"required":["id","new"]}`
	if found, err := c.Findings(t.Context(), all[0].Name, schemas.JSON, breaking); err != nil || len(found) == 0 {
		t.Errorf("findings of a schema that can not follow: %q, %v", found, err)
	}
	if err := c.Register(t.Context(), all[0].Name, schemas.JSON, breaking); fault.ExitCode(err) != fault.ExitData {
		t.Errorf("it is registered: exit %d, %v", fault.ExitCode(err), err)
	}
}

// sameJSON compares schemas: a registry may keep the fields of an Avro schema in another order.
func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

// TestRefused is a registry that says no: with a reason, without one, by an error, and by being broken.
func TestRefused(t *testing.T) {
	t.Parallel()
	status, answer, user := http.StatusOK, `{"is_compatible":false,"messages":["the rule is broken"]}`, ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _, _ = r.BasicAuth()
		w.WriteHeader(status)
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	c := open(t, strings.Replace(server.URL, "http://", "http://me:secret@", 1))
	if found, err := c.Findings(t.Context(), "s", schemas.JSON, "{}"); err != nil || !slices.Equal(found,
		[]string{"the rule is broken"}) || user != "me" {
		t.Errorf("%q %v as %q", found, err, user)
	}
	answer = `{"is_compatible":false}`
	if found, err := c.Findings(t.Context(), "s", schemas.JSON, "{}"); err != nil || len(found) != 1 {
		t.Errorf("%q %v", found, err)
	}
	for code, want := range map[int]int{http.StatusConflict: fault.ExitData, http.StatusUnauthorized: fault.ExitData,
		http.StatusInternalServerError: fault.ExitUnavailable} {
		status, answer = code, `{"error_code":1,"message":"no"}`
		err := c.Register(t.Context(), "s", schemas.JSON, "{}")
		if fault.ExitCode(err) != want || strings.Contains(err.Error(), "secret") {
			t.Errorf("status %d: exit %d, %v", code, fault.ExitCode(err), err)
		}
		if versions, err := c.Versions(t.Context(), "s"); err == nil {
			t.Errorf("status %d gives the versions %q", code, versions)
		}
	}
}

func TestUnavailable(t *testing.T) {
	t.Parallel()
	_, err := open(t, "http://me:secret@127.0.0.1:1").Versions(t.Context(), "s")
	if fault.ExitCode(err) != fault.ExitUnavailable || !strings.Contains(fault.Hint(err), "txflow platform") ||
		strings.Contains(err.Error(), "secret") {
		t.Errorf("exit %d, %v, next: %s", fault.ExitCode(err), err, fault.Hint(err))
	}
	for _, url := range []string{"", "127.0.0.1:8081", "ftp://x"} {
		if _, err := New(url); fault.ExitCode(err) != fault.ExitUsage {
			t.Errorf("%q: %v", url, err)
		}
	}
}
