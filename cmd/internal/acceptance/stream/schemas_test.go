package stream

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/registryserver/registrytest"
)

// TestSchemas has the platform register the schemas, once, however often it starts.
func TestSchemas(t *testing.T) {
	p := harness.Place{T: t, Dir: t.TempDir()}
	for i, want := range []int{schemaVersions, 0} {
		platform := p.Start("platform", "--clickhouse-addr", "127.0.0.1:0", "--kafka-addr", "", "--registry-addr",
			"127.0.0.1:0")
		p.Env = []string{"SCHEMA_REGISTRY_URL=" + platform.Find(t, &platform.Stdout, `SCHEMA_REGISTRY_URL=(\S+)`)}
		if n := strings.Count(platform.Stderr.String(), "register "); n != want {
			t.Errorf("at start %d the platform registers %d schemas, want %d\n%s", i+1, n, want, platform.Stderr.String())
		}
		if text := p.OK("schemas", "register").Stderr.String(); !strings.Contains(text, "the registry has all schemas") {
			t.Errorf("register: %s", text)
		}
		if text := p.OK("schemas", "check").Stdout.String(); strings.Count(text,
			"compatible with what the registry has") != schemaSubjects || strings.Contains(text, "would") {
			t.Errorf("check: %s", text)
		}
		platform.Terminate(t)
		platform.Wait(t)
	}
}

// There are so many subjects, which have so many versions in all.
const (
	schemaSubjects = 7
	schemaVersions = 12
)

// TestSchemasThatCanNotFollow meets a registry that has something else, which passes everything by itself.
func TestSchemasThatCanNotFollow(t *testing.T) {
	fake := srfake.New()
	t.Cleanup(fake.Close)
	p := harness.Place{T: t, Dir: t.TempDir(), Env: []string{"SCHEMA_REGISTRY_URL=" + fake.URL()}}
	if text := p.OK("schemas", "register", "--dry-run").Stdout.String(); strings.Count(text,
		"would register") != schemaVersions {
		t.Errorf("the dry run says %s", text)
	}
	if text := p.OK("schemas", "check").Stdout.String(); strings.Count(text, "would register") != schemaVersions {
		t.Errorf("check says %s", text)
	}
	_, _, err := fake.RegisterSchema("transactions.raw-value",
		sr.Schema{Type: sr.TypeJSON,
			Schema: `{"type":"object","properties":{"id":{"type":"boolean"}},"additionalProperties":false}`})
	harness.Must(t, err)
	for _, command := range []string{"check", "register"} {
		code, r := p.Run("schemas", command)
		if text := r.Stderr.String(); code != fault.ExitData ||
			!strings.Contains(text, ".id: the type was boolean and is [string number]") ||
			!strings.Contains(text, "leave the field as it was") {
			t.Errorf("%s: exit %d\n%s", command, code, text)
		}
	}
	if fake.SubjectExists("transactions.classified-value") {
		t.Error("what is fine is registered although another is not")
	}
	fake.Close()
	code, r := p.Run("schemas", "register")
	if text := r.Stderr.String(); code != fault.ExitUnavailable || !strings.Contains(text, "txflow platform") {
		t.Errorf("without a registry: exit %d\n%s", code, text)
	}
	p.OK("schemas", "check", "--offline")
}

// TestSchemasOfARealRegistry begins with an empty one.
func TestSchemasOfARealRegistry(t *testing.T) {
	t.Parallel()
	url := registrytest.Start(t).URL()
	p := harness.Place{T: t, Dir: t.TempDir(), Env: []string{"SCHEMA_REGISTRY_URL=" + url}}
	type check struct {
		Name, Detail, Next string
		OK                 bool
	}
	doctor := func() (found check) {
		t.Helper()
		_, r := p.Run("doctor", "--json", "--timeout", "1m") // what else it looks for is not there
		for line := range strings.Lines(r.Stdout.String()) {
			var k check
			harness.Must(t, json.Unmarshal([]byte(line), &k))
			if k.Name == "schemas" {
				found = k
			}
		}
		return found
	}
	if text := p.OK("schemas", "check").Stdout.String(); strings.Count(text, "would register") != schemaVersions ||
		strings.Count(text, "would set the compatibility") != schemaSubjects {
		t.Errorf("check of an empty registry: %s", text)
	}
	if k := doctor(); k.OK || !strings.Contains(k.Detail, "the registry lacks some") ||
		k.Next != "txflow schemas register" {
		t.Errorf("doctor, with an empty registry: %+v", k)
	}
	for range 2 {
		p.OK("schemas", "register")
		if text := p.OK("schemas", "check").Stdout.String(); strings.Count(text,
			"compatible with what the registry has") != schemaSubjects || strings.Contains(text, "would") {
			t.Errorf("check: %s", text)
		}
	}
	if k := doctor(); !k.OK || k.Detail != "all are registered" {
		t.Errorf("doctor, with all schemas: %+v", k)
	}
	client, err := sr.NewClient(sr.URLs(url))
	harness.Must(t, err)
	const subject = "transactions.raw-value"
	_, err = client.DeleteSubject(t.Context(), subject, sr.SoftDelete)
	harness.Must(t, err)
	_, err = client.CreateSchema(t.Context(), subject,
		sr.Schema{Type: sr.TypeJSON,
			Schema: `{"type":"object","properties":{"id":{"type":"boolean"}},"additionalProperties":false}`})
	harness.Must(t, err)
	for _, command := range []string{"check", "register"} {
		code, r := p.Run("schemas", command)
		if text := r.Stderr.String(); code != fault.ExitData ||
			!strings.Contains(text, ".id: the type was boolean and is [string number]") {
			t.Errorf("%s of what can not follow: exit %d\n%s", command, code, text)
		}
	}
	if k := doctor(); k.OK || !strings.Contains(k.Detail, "can not follow what the registry has") {
		t.Errorf("doctor, with a schema that is not ours: %+v", k)
	}
}
