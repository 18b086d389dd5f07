package docs

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
)

// place is what all pages share: a folder with txflow on the PATH and a reader's files, and the services that the pages
// take for granted, at other addresses than the usual ones.
type place struct {
	*harness.Live
	env     []string
	usual   map[string]string // the addresses as pages have them, and as they are
	started bool              // a page has shown the start of the platform
}

// newPlace starts the platform, the ML API, a member of each pipeline and the collector.
func newPlace(t *testing.T) *place {
	t.Helper()
	live := &harness.Live{Workbench: &harness.Workbench{API: harness.StartMLAPI(t),
		Place: harness.Place{T: t, Dir: t.TempDir()}}}
	p := &place{Live: live}
	const any = "127.0.0.1:0"
	live.Platform = p.Start("platform", "--data", "platform", "--clickhouse-addr", any, "--kafka-addr", any,
		"--registry-addr", any, "--ui-addr", any)
	printed := func(name string) string { return live.Platform.Find(t, &live.Platform.Stdout, name+`=(\S+)`) }
	live.Server, live.Brokers = printed("CLICKHOUSE_URL"), printed("KAFKA_BROKERS")
	live.ClickHouse = live.Server + "/?database=txflow"
	registry, page := printed("SCHEMA_REGISTRY_URL"), printed("TXFLOW_UI_URL")
	p.API.HarmWith(refusePoison)
	p.files()
	env := []string{"CLICKHOUSE_URL=" + p.Server, "KAFKA_BROKERS=" + p.Brokers, "ML_API_URL=" + p.API.URL,
		"SCHEMA_REGISTRY_URL=" + registry}
	p.Env = env
	collect := p.Start("collect", "--addr", "127.0.0.1:0")
	collector := collect.Find(t, &collect.Stdout, `TXFLOW_COLLECT_ADDR=(\S+)`)
	p.Start("stream", "refine", "--instance", "shared")
	p.Start("stream", "classify", "--instance", "shared")
	p.env = slices.Concat(os.Environ(), env, []string{"HOME=" + p.Dir, "PATH=" + filepath.Join(p.Dir, "bin") + ":" +
		os.Getenv("PATH"), "TERM=xterm", "XDG_CACHE_HOME=" + cache(t), "TXFLOW_COLLECT_URL=http://" + collector,
		"TXFLOW_PLATFORM_CLICKHOUSE=127.0.0.1:0", "TXFLOW_PLATFORM_KAFKA=127.0.0.1:0",
		"TXFLOW_PLATFORM_REGISTRY=127.0.0.1:0", "TXFLOW_PLATFORM_UI=127.0.0.1:0", "ML_API_ADDR=127.0.0.1:0",
		"TXFLOW_UI_ADDR=127.0.0.1:0", "TXFLOW_COLLECT_ADDR=127.0.0.1:0"})
	p.usual = map[string]string{"127.0.0.1:8123": host(p.Server), "127.0.0.1:9092": p.Brokers,
		"127.0.0.1:8081": host(registry), "127.0.0.1:8000": host(p.API.URL), "127.0.0.1:8001": collector,
		"127.0.0.1:8090": host(page)}
	return p
}

func host(url string) string {
	return strings.Trim(regexp.MustCompile(`^\w+://`).ReplaceAllString(url, ""), "/")
}

// cache is where the engine is, also for a reader with another home.
func cache(t *testing.T) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	harness.Must(t, err)
	return dir
}

// files are the reader's: txflow itself, the repository's data, and files of a bank for January.
func (p *place) files() {
	t := p.T
	self, err := os.Executable()
	harness.Must(t, err)
	for _, dir := range []string{"bin", "in"} {
		harness.Must(t, os.MkdirAll(filepath.Join(p.Dir, dir), 0o755))
	}
	harness.Must(t, os.WriteFile(filepath.Join(p.Dir, "bin", "txflow"),
		[]byte("#!/bin/sh\nexec env "+harness.NoSleepAtExit+" "+harness.AsMain+"=1 '"+self+"' \"$@\"\n"), 0o755))
	data := harness.MustAbs(t, filepath.Join(harness.Repository, "data"))
	harness.Must(t, os.Symlink(data, filepath.Join(p.Dir, "data")))
	all, err := os.ReadFile(filepath.Join(data, "transactions.csv"))
	harness.Must(t, err)
	lines := bytes.SplitAfter(all, []byte("\n"))
	some := func(from, to int) string {
		return string(lines[0]) + string(bytes.Join(lines[from:to], nil))
	}
	ago := time.Now().Add(-time.Hour)
	for _, file := range [][2]string{ // as they came, one second after the other
		{"in/january.csv", some(1, 201) + "x,a row,that breaks,a rule\n"},
		{"in/2024-01.csv.gz", harness.GZ(t, some(201, 301))}, {"in/2024-02.csv.gz", harness.GZ(t, some(301, 401))},
		{"export.gz", harness.GZ(t, some(401, 451))},
		{"poison.csv", harness.Header + strings.Replace(harness.Row(666), "Groceries", "Poison", 1)},
	} {
		path := filepath.Join(p.Dir, file[0])
		harness.Must(t, os.WriteFile(path, []byte(file[1]), 0o600))
		ago = ago.Add(time.Second)
		harness.Must(t, os.Chtimes(path, ago, ago))
	}
}

// refusePoison is a model that cannot classify one kind of row.
func refusePoison(w http.ResponseWriter, r *http.Request, body []byte, honest http.Handler) {
	if bytes.Contains(body, []byte("Poison")) {
		harness.RefuseAll(w)
		return
	}
	honest.ServeHTTP(w, r)
}

// here is a text of a page with the addresses as they are; usually is the way back.
func (p *place) here(text string) string {
	for _, found := range address.FindAllString(text, -1) {
		if usual := strings.NewReplacer(`"`, "", ", ", ":").Replace(found); p.usual[usual] == "" {
			p.usual[usual] = harness.FreeAddr(p.T)
		}
	}
	for usual, real := range p.usual {
		pair := strings.NewReplacer(":", `", `) // as Python has it
		text = strings.ReplaceAll(strings.ReplaceAll(text, usual, real), pair.Replace(usual), pair.Replace(real))
	}
	return text
}

func (p *place) usually(text string) string {
	for usual, real := range p.usual {
		text = strings.ReplaceAll(text, real, usual)
	}
	return text
}
