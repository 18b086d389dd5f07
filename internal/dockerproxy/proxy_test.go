package dockerproxy

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

const (
	mine   = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	others = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

var images = regexp.MustCompile(`^(?:txflow/[a-z][a-z-]*(:[A-Za-z0-9._-]+)?)$`)

// engine is a Docker engine that does nothing, and notes what reached it.
type engine struct {
	mu   sync.Mutex
	got  []string // method and URI, without the proxy's own looks at containers
	body string   // of the last create
}

func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !strings.HasPrefix(r.RequestURI, "/containers/") { // the proxy's own have no version
		e.got = append(e.got, r.Method+" "+r.RequestURI)
	}
	switch {
	case strings.Contains(r.URL.Path, mine) && strings.HasSuffix(r.URL.Path, "/json"):
		_, _ = io.WriteString(w, `{"Id":"`+mine+`","Config":{"Labels":{"`+Label+`":"1"}}}`)
	case strings.Contains(r.URL.Path, others) && strings.HasSuffix(r.URL.Path, "/json"):
		_, _ = io.WriteString(w, `{"Id":"`+others+`","Config":{"Labels":{"a":"b"}}}`)
	case strings.HasSuffix(r.URL.Path, "/create"):
		body, _ := io.ReadAll(r.Body)
		e.body = string(body)
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"Id":"`+mine+`"}`)
	case strings.HasSuffix(r.URL.Path, "/attach"):
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nraw stream")
			_ = conn.Close()
		}
	}
}

// reached is what came since it was asked last.
func (e *engine) reached() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := strings.Join(e.got, ", ")
	e.got = nil
	return all
}

// start puts a proxy before an engine.
func start(t *testing.T) (*engine, string) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{}
	server := &http.Server{Handler: e}
	go func() { _ = server.Serve(listener) }()
	proxy := httptest.NewServer(New(Config{Socket: socket, Images: images, Network: "tasks", Memory: 1 << 30}))
	t.Cleanup(func() { proxy.Close(); _ = server.Close() })
	return e, proxy.URL
}

func ask(t *testing.T, method, url, body string) (status int, said string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// good is what Airflow's operator sends.
func good() map[string]any {
	return map[string]any{
		"Image": "txflow/validate:latest", "Cmd": []string{"validate", "s3://inputs/a.csv"},
		"Entrypoint": []string{"/txflow-task"},
		"Env":        []string{"CLICKHOUSE_PASSWORD=x"}, "User": "65532:65532",
		"Labels": map[string]string{"txflow.dag_id": "d"},
		"Tty":    false, "OpenStdin": false, "StdinOnce": false, "AttachStdin": false, "AttachStdout": false,
		"AttachStderr": false, "Volumes": nil,
		"NetworkingConfig": map[string]any{}, "Domainname": nil, "StopSignal": nil,
		"HostConfig": map[string]any{"ReadonlyRootfs": true, "Tmpfs": map[string]string{"/tmp": "rw,noexec"},
			"NetworkMode": "tasks", "Memory": 1 << 29,
			"MemorySwap": 1 << 29, "NanoCpus": 1_000_000_000, "PidsLimit": 256, "CapDrop": []string{"ALL"},
			"SecurityOpt": []string{"no-new-privileges"},
			"Mounts":      []any{}},
	}
}

// with is good with one field changed; a path like HostConfig.Binds goes into it.
func with(path string, value any) string {
	d := good()
	at := d
	if inner, name, ok := strings.Cut(path, "."); ok {
		at, path = d[inner].(map[string]any), name
	}
	if value == nil {
		delete(at, path)
	} else {
		at[path] = value
	}
	text, _ := json.Marshal(d)
	return string(text)
}

func TestTasksAreCreated(t *testing.T) {
	e, at := start(t)
	status, said := ask(t, "POST", at+"/v1.44/containers/create", with("Hostname", ""))
	if status != http.StatusCreated {
		t.Fatalf("%d %s", status, said)
	}
	var got description
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := json.Unmarshal([]byte(e.body), &got); err != nil {
		t.Fatal(err)
	}
	if got.Image != "txflow/validate:latest" || got.Labels[Label] == "" || got.Labels["txflow.dag_id"] != "d" ||
		got.HostConfig.LogConfig.Config["max-size"] == "" ||
		got.HostConfig.NetworkMode != "tasks" || len(got.Env) != 1 {
		t.Errorf("the engine got %s", e.body)
	}
}

// TestAttacks has descriptions that would give the caller the host, or more than a task needs.
func TestAttacks(t *testing.T) {
	t.Parallel()
	e, at := start(t)
	bind := []map[string]any{{"Type": "bind", "Source": "/", "Target": "/host"}}
	plain := with("Hostname", "")
	for name, body := range map[string]string{
		"a bind mount": with("HostConfig.Binds", []string{"/:/host"}),
		"a mount":      with("HostConfig.Mounts", bind),
		"a volume": with("HostConfig.Mounts",
			[]map[string]any{{"Type": "volume", "Source": "postgres", "Target": "/v"}}),
		"volumes of another container": with("HostConfig.VolumesFrom", []string{"postgres"}),
		"an anonymous volume": with("Volumes",
			map[string]any{"/v": map[string]any{}, "/w": map[string]any{"a": 1}}),
		"privileged":                     with("HostConfig.Privileged", true),
		"privileged, spelt otherwise":    strings.Replace(plain, `"HostConfig":{`, `"HostConfig":{"privileged":true,`, 1),
		"host settings, spelt otherwise": strings.Replace(plain, `{`, `{"hostconfig":{"Privileged":true},`, 1),
		"a field twice": strings.Replace(plain, `"HostConfig":{`,
			`"HostConfig":{"Binds":["/:/h"],"Binds":[],`, 1),
		"a folded letter": strings.Replace(plain, `"HostConfig":{`, `"HostConfig":{"Bind\u017f":["/:/h"],`,
			1),
		"host settings twice":         strings.Replace(plain, `{`, `{"HostConfig":{"Privileged":true},`, 1),
		"something after it":          plain + `{"HostConfig":{"Privileged":true}}`,
		"the host's processes":        with("HostConfig.PidMode", "host"),
		"the host's network":          with("HostConfig.NetworkMode", "host"),
		"another container's network": with("HostConfig.NetworkMode", "container:postgres"),
		"another network":             with("HostConfig.NetworkMode", "txflow-airflow"),
		"a second network": with("NetworkingConfig",
			map[string]any{"EndpointsConfig": map[string]any{"txflow-airflow": map[string]any{"Aliases": []string{"a"}}}}),
		"the host's users":          with("HostConfig.UsernsMode", "host"),
		"the host's IPC":            with("HostConfig.IpcMode", "host"),
		"the host's UTS":            with("HostConfig.UTSMode", "host"),
		"the host's control groups": with("HostConfig.CgroupnsMode", "host"),
		"a parent control group":    with("HostConfig.CgroupParent", "/"),
		"a capability":              with("HostConfig.CapAdd", []string{"SYS_ADMIN"}),
		"capabilities kept":         with("HostConfig.CapDrop", []string{"NET_RAW"}),
		"no seccomp": with("HostConfig.SecurityOpt",
			[]string{"no-new-privileges", "seccomp=unconfined"}),
		"new privileges":          with("HostConfig.SecurityOpt", nil),
		"a device":                with("HostConfig.Devices", []map[string]any{{"PathOnHost": "/dev/sda"}}),
		"a device rule":           with("HostConfig.DeviceCgroupRules", []string{"b *:* rmw"}),
		"a GPU":                   with("HostConfig.DeviceRequests", []map[string]any{{"Count": -1}}),
		"another runtime":         with("HostConfig.Runtime", "evil"),
		"unmasked paths":          with("HostConfig.MaskedPaths", []string{"/x"}),
		"a setting of the kernel": with("HostConfig.Sysctls", map[string]string{"kernel.core_pattern": "|/x"}),
		"a port": with("HostConfig.PortBindings",
			map[string]any{"80/tcp": []any{map[string]string{"HostPort": "80"}}}),
		"a restart policy":                  with("HostConfig.RestartPolicy", map[string]any{"Name": "always"}),
		"an entry of the hosts file":        with("HostConfig.ExtraHosts", []string{"s3:1.2.3.4"}),
		"another log driver":                with("HostConfig.LogConfig", map[string]any{"Type": "syslog"}),
		"a writable root":                   with("HostConfig.ReadonlyRootfs", false),
		"a temporary file system elsewhere": with("HostConfig.Tmpfs", map[string]string{"/etc": ""}),
		"no limit of memory":                with("HostConfig.Memory", 0),
		"too much memory":                   with("HostConfig.Memory", 1<<40),
		"swap":                              with("HostConfig.MemorySwap", -1),
		"no limit of processes":             with("HostConfig.PidsLimit", -1),
		"no limit of processors":            with("HostConfig.NanoCpus", nil),
		"root":                              with("User", "0:0"),
		"root's group":                      with("User", "65532:0"),
		"a user by name":                    with("User", "root"),
		"no user":                           with("User", nil),
		"another image":                     with("Image", "alpine"),
		"an image with our name in it":      with("Image", "evil.example/txflow/validate"),
		"an image that begins like ours":    with("Image", "txflow/validate@sha256:00"),
		"an image by its id":                with("Image", "sha256:0123"),
		"another program":                   with("Entrypoint", []string{"/bin/sh"}),
		"the image's program":               with("Entrypoint", nil),
		"a library":                         with("Env", []string{"LD_PRELOAD=/x"}),
		"a label of Compose":                with("Labels", map[string]string{"com.docker.compose.project": "txflow"}),
		"a health check":                    with("Healthcheck", map[string]any{"Test": []string{"CMD", "x"}}),
		"another folder":                    with("WorkingDir", "/proc"),
		"no JSON":                           "[]",
		"nothing":                           "",
		"no host settings":                  with("HostConfig", nil),
	} {
		if status, said := ask(t, "POST", at+"/v1.44/containers/create", body); status != http.StatusForbidden {
			t.Errorf("%s: %d %s", name, status, said)
		}
	}
	if reached := e.reached(); reached != "" {
		t.Errorf("the engine got %s", reached)
	}
}

// TestRequests has every other request, and what of it reaches the engine.
func TestRequests(t *testing.T) {
	t.Parallel()
	e, at := start(t)
	for _, c := range []struct{ request, reaches string }{
		{"GET /_ping", "GET /_ping"},
		{"GET /version", "GET /version"},
		{"GET /v1.44/images/txflow/validate:latest/json", "GET /v1.44/images/txflow/validate:latest/json"},
		{"POST /v1.44/containers/" + mine + "/start", "POST /v1.44/containers/" + mine + "/start"},
		{"POST /v1.44/containers/" + mine + "/stop?t=10", "POST /v1.44/containers/" + mine + "/stop?t=10"},
		{"POST /v1.44/containers/" + mine + "/wait", "POST /v1.44/containers/" + mine + "/wait"},
		{"DELETE /v1.44/containers/" + mine + "?v=False&link=False&force=True", "DELETE /v1.44/containers/" + mine +
			"?force=True&v=False"},
		{"GET /v1.44/containers/json?all=1&filters=%7B%22label%22%3A%5B%22a%3Db%22%5D%7D",
			"GET /v1.44/containers/json?all=1&filters=%7B%22label%22%3A%5B%22a%3Db%22%2C%22" + Label + "%22%5D%7D"},

		{"GET /v1.44/containers/" + others + "/json", ""},
		{"POST /v1.44/containers/" + others + "/stop", ""},
		{"DELETE /v1.44/containers/" + others + "?force=1", ""},
		{"GET /v1.44/containers/postgres/json", ""},
		{"POST /v1.44/containers/" + mine + "/exec", ""},
		{"POST /v1.44/containers/" + mine + "/update", ""},
		{"GET /v1.44/containers/" + mine + "/archive?path=/", ""},
		{"PUT /v1.44/containers/" + mine + "/archive?path=/", ""},
		{"POST /v1.44/containers/" + mine + "/rename?name=postgres", ""},
		{"POST /v1.44/containers/" + mine + "/start?checkpoint=x", ""},
		{"DELETE /v1.44/containers/" + mine + "?link=true", ""},
		{"GET /v1.44/containers/json?filters=%7B%22volume%22%3A%5B%22x%22%5D%7D", ""},
		{"GET /v1.44/containers/json?filters=%7B%22label%22%3A%7B%22a%22%3Atrue%7D%7D", ""},
		{"GET /v1.44/images/json", ""},
		{"GET /v1.44/images/postgres/json", ""},
		{"GET /v1.44/images/txflow/../../containers/x/json", ""},
		{"POST /v1.44/images/create?fromImage=txflow/validate", ""},
		{"POST /v1.44/build", ""},
		{"GET /v1.44/info", ""},
		{"GET /v1.44/events", ""},
		{"POST /v1.44/networks/create", ""},
		{"POST /v1.44/volumes/create", ""},
		{"GET /v1.44/secrets", ""},
		{"POST /v1.44/swarm/init", ""},
		{"POST /session", ""},
		{"POST /grpc", ""},
		{"GET /v1.44/containers//" + mine + "/json", ""},
		{"GET /v1.44/containers/" + mine + "%2fjson", ""},
		{"GET /v1.44/../containers/" + mine + "/json", ""},
		{"POST /v1.44/containers/create?platform=linux&name=x", ""},
	} {
		method, path, _ := strings.Cut(c.request, " ")
		status, said := raw(t, at, method, path)
		reached := e.reached()
		if reached != c.reaches || (c.reaches == "") != (status == http.StatusForbidden || status == http.StatusNotFound) {
			t.Errorf("%s: %d %s; the engine got %q", c.request, status, said, reached)
		}
	}
}
