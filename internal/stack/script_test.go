package stack

import (
	"crypto/sha1" // MySQL's hash of a password
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// script runs the script with a docker of its own, which is a shell script or missing.
func script(t *testing.T, docker string, env []string, args ...string) (code int, said string) {
	t.Helper()
	bin := t.TempDir()
	const tools = "bash awk sed sort head tail df dirname grep tr cat mkdir chmod mv base64 sha256sum sha1sum cut " +
		"basename curl sleep uname"
	for _, tool := range strings.Fields(tools) {
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	if docker != "" {
		if err := os.WriteFile(filepath.Join(bin, "docker"), []byte("#!/bin/bash\n"+docker), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("./stack", args...)
	cmd.Env = append([]string{"PATH=" + bin}, env...)
	text, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

// engine is a docker that answers with versions.
func engine(version, compose string) string {
	return fmt.Sprintf(`case "$*" in
  "version --format {{.Server.Version}}") echo %s ;;
  "compose version --short") echo %s ;;
  "info --format"*) echo 16000000000 ;;
esac
`, version, compose)
}

func TestCheckSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	_, taken, _ := net.SplitHostPort(listener.Addr().String())
	free := func(others ...string) []string {
		env := []string{}
		for _, name := range []string{"AIRFLOW", "CLICKHOUSE", "MYSQL", "COLLECT", "UI", "ML_API", "JAEGER",
			"KAFKA_UI", "SCHEMA_REGISTRY", "S3", "PROMETHEUS", "GRAFANA"} {
			env = append(env, name+"_PORT=1") // nobody listens there
		}
		return append(env, others...)
	}
	// grafana is what Compose says of a part of the stack that has it.
	const grafana = `[[ $* != *" config" ]] || printf '        published: "%s"\n' "$GRAFANA_PORT"
`
	for name, c := range map[string]struct {
		docker string
		env    []string
		code   int
		says   string
	}{
		"no Docker": {"", free(), 69, "docker is not on the PATH\nnext: install Docker 25"},
		"no engine": {"echo Cannot connect >&2; exit 1", free(), 69,
			"the Docker engine does not answer: Cannot connect"},
		"an old engine": {engine("20.10.24+dfsg1", "2.40.3"), free(), 69,
			"the Docker engine is 20.10.24+dfsg1; health checks need 25.0"},
		"no Compose":     {engine("28.5.2", "") + `[[ $1 != compose ]]`, free(), 69, "Docker has no Compose v2"},
		"an old Compose": {engine("28.5.2", "v2.3.3"), free(), 69, "Docker Compose is 2.3.3"},
		"a port is taken": {engine("28.5.2", "2.40.3-3") + grafana, free("GRAFANA_PORT=" + taken), 69,
			"port " + taken + " (GRAFANA_PORT) is taken"},
		"a port is the stack's own": {engine("28.5.2", "2.40.3-3") + grafana + `[[ $1 != ps ]] || echo 0123`,
			free("GRAFANA_PORT=" + taken), 0, ""},
		"a port of what is not started is taken": {engine("28.5.2", "2.40.3-3"), free("GRAFANA_PORT=" + taken), 0, ""},
		"little memory": {strings.Replace(engine("28.5.2", "2.40.3-3"), "16000000000", "4100000000", 1), free(), 0,
			"warning: Docker has 4100 MB of memory; the whole stack may take 8 GB (make streaming and make batch take less)"},
		"all is there": {engine("28.5.2+dfsg4", "2.40.3-3"), free(), 0, ""},
	} {
		if code, said := script(t, c.docker, c.env, "check", "all"); code != c.code || !strings.Contains(said, c.says) {
			t.Errorf("%s: exit %d\n%s", name, code, said)
		}
	}
}

// TestWithoutDocker: each command says so, and clean keeps the passwords of what it cannot remove.
func TestWithoutDocker(t *testing.T) {
	t.Parallel()
	secrets := t.TempDir()
	for _, command := range []string{"status", "logs", "down", "scale", "restart", "backup", "restore", "urls", "clean"} {
		code, said := script(t, "echo Cannot connect >&2; exit 1", []string{"SECRETS=" + secrets}, command, "x")
		const want = "error: the Docker engine does not answer: Cannot connect\nnext: start it, or set DOCKER_HOST\n"
		if code != 69 || said != want {
			t.Errorf("%s: exit %d\n%s", command, code, said)
		}
	}
	if _, err := os.Stat(secrets); err != nil {
		t.Error("clean removed the passwords of what it left there")
	}
}

// TestRestartStartsWhatRuns: and what ran once for it, so that a new image migrates; no other part of the stack.
func TestRestartStartsWhatRuns(t *testing.T) {
	t.Parallel()
	const docker = `case "$*" in
  *"ps --services --status running") printf 'kafka\ncollect\n' ;;
  *"ps --all --services") printf 'kafka\ninit\ncollect\ntxflow\n' ;;
  *" up "*) all="$*"; echo "${all##* up }" ;;
esac`
	code, said := script(t, engine("28.5.2", "2.40.3")+docker, nil, "restart")
	if want := "--detach --wait --no-deps kafka collect init\n"; code != 0 || said != want {
		t.Errorf("exit %d, %q, want %q", code, said, want)
	}
}

// TestMembersStay: as many as make scale made go on.
func TestMembersStay(t *testing.T) {
	t.Parallel()
	const docker = `case "$*" in
  *"ps --services --status running") printf 'kafka\nstream-classify\n' ;;
  *"ps --all --quiet stream-classify") printf '%s' "$MEMBERS" ;;
  *" up "*) all="$*"; echo "${all##* up }" ;;
esac`
	for members, want := range map[string]string{
		"":             "--detach --wait --no-deps kafka stream-classify\n",
		"a1\n":         "--detach --wait --no-deps kafka stream-classify\n",
		"a1\nb2\nc3\n": "--detach --wait --no-deps --scale stream-classify=3 kafka stream-classify\n",
	} {
		code, said := script(t, engine("28.5.2", "2.40.3")+docker, []string{"MEMBERS=" + members}, "restart")
		if code != 0 || said != want {
			t.Errorf("%q: exit %d, %q, want %q", members, code, said, want)
		}
	}
}

// TestLogsOfAServiceThatIsNot: Compose itself says nothing of it.
func TestLogsOfAServiceThatIsNot(t *testing.T) {
	t.Parallel()
	const docker = `case "$*" in *"config --services") printf 'ui\nkafka\n' ;; *" logs "*) echo "logs of ${*: -1}" ;; esac`
	for name, want := range map[string]string{
		"kafka": "logs of kafka",
		"kafk":  "error: there is no service kafk\nnext: one of: kafka ui",
	} {
		code, said := script(t, engine("28.5.2", "2.40.3")+docker, nil, "logs", name)
		if strings.TrimSpace(said) != want || (code == 0) != (name == "kafka") {
			t.Errorf("%s: exit %d, %s", name, code, said)
		}
	}
}

// TestSocketIsTheEnginesOwn: the proxy before the engine gets the socket that docker itself talks to.
func TestSocketIsTheEnginesOwn(t *testing.T) {
	t.Parallel()
	own := "/run/user/1000/docker.sock"
	if runtime.GOOS != "linux" {
		own = "" // the one of .env
	}
	for name, c := range map[string]struct {
		context string
		env     []string
		want    string
	}{
		"a rootless engine": {"unix:///var/run/docker.sock",
			[]string{"DOCKER_HOST=unix:///run/user/1000/docker.sock"}, own},
		"a rootless engine, chosen": {"unix:///run/user/1000/docker.sock", nil, own},
		"one elsewhere":             {"", []string{"DOCKER_HOST=tcp://10.0.0.1:2376"}, ""},
		"in a machine of its own":   {"unix:///home/ann/.docker/desktop/docker.sock", []string{"HOME=/home/ann"}, ""},
		"named":                     {"", []string{"DOCKER_HOST=unix:///a.sock", "DOCKER_SOCKET=/b.sock"}, "/b.sock"},
		"none":                      {"", nil, ""},
	} {
		docker := fmt.Sprintf(`case $1 in
  context) echo %s ;;
  compose) echo "socket ${DOCKER_SOCKET:-}" ;;
esac`, c.context)
		code, said := script(t, docker, c.env, "compose", "config")
		if code != 0 || strings.TrimSpace(said) != strings.TrimSpace("socket "+c.want) {
			t.Errorf("%s: exit %d, %s", name, code, said)
		}
	}
}

func TestSecretsAreMadeOnce(t *testing.T) {
	t.Parallel()
	read := func(dir string) map[string]string {
		found := map[string]string{}
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			text, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			found[f.Name()] = string(text)
		}
		return found
	}
	dir, other := filepath.Join(t.TempDir(), "secrets"), filepath.Join(t.TempDir(), "secrets")
	for _, d := range []string{dir, other} {
		if code, said := script(t, "", []string{"SECRETS=" + d}, "secrets"); code != 0 || said != "" {
			t.Fatalf("exit %d, said %s", code, said)
		}
	}
	first, second := read(dir), read(other)
	for name := range load(t).Secrets {
		if len(first[name]) < 20 || first[name] == second[name] {
			t.Errorf("%s is %q, and elsewhere %q", name, first[name], second[name])
		}
	}
	if state, err := os.Stat(dir); err != nil || state.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v %v", state, err)
	}
	passwords := map[string]string{}
	if err := json.Unmarshal([]byte(first["airflow_passwords"]), &passwords); err != nil ||
		passwords["admin"] != first["airflow_admin"] {
		t.Errorf("Airflow's passwords: %v %v", passwords, err)
	}
	once := sha1.Sum([]byte(first["clickhouse_reader"]))
	hash := fmt.Sprintf("<reader><password_double_sha1_hex>%x</password_double_sha1_hex></reader>", sha1.Sum(once[:]))
	if !strings.Contains(first["clickhouse_users"], hash) {
		t.Errorf("ClickHouse's users are %s, want %s", first["clickhouse_users"], hash)
	}
	if code, _ := script(t, "", []string{"SECRETS=" + dir}, "secrets"); code != 0 {
		t.Errorf("made again: exit %d", code)
	}
	for name, text := range read(dir) {
		if text != first[name] {
			t.Errorf("made again, %s is another", name)
		}
	}
}
