package tasks_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/clickhouse/migrate"
	"github.com/txflow/txflow/clickhouse/schema"
	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/embedded/embeddedtest"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/ml_api/server"
)

const maxImage = 30 << 20 // bytes, compressed

func TestMain(m *testing.M) { os.Exit(embeddedtest.Main(m)) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestImages(t *testing.T) {
	tag := buildImages(t).tag
	t.Run("hold the binary alone", func(t *testing.T) { holdTheBinaryAlone(images{t, tag}) })
	t.Run("run the batch", func(t *testing.T) { runTheBatch(images{t, tag}) })
	t.Run("tell by exit code", func(t *testing.T) { tellByExitCode(images{t, tag}) })
}

// One container a task, as a scheduler runs them, on the file of the README.
func runTheBatch(i images) {
	t := i.t
	clickhouse := migrated(t)
	model, err := server.New(server.Config{})
	must(t, err)
	api := httptest.NewServer(model)
	t.Cleanup(api.Close)
	volume := strings.TrimSpace(i.docker("volume", "create"))
	t.Cleanup(func() { i.docker("volume", "rm", volume) })
	data, err := filepath.Abs("../data")
	must(t, err)
	options := []string{"--volume=" + volume + ":/artifacts", "--volume=" + data + ":/data:ro",
		"--env=CLICKHOUSE_URL=" + clickhouse, "--env=ML_API_URL=" + api.URL,
		"--env=TRACEPARENT=00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"}

	run := func(name string, args ...string) batch.Manifest {
		t.Helper()
		m, logs, code := i.task(name, options, args...)
		if code != fault.ExitDone || m.Task != name || m.RunID != "images" ||
			m.TraceID != "0123456789abcdef0123456789abcdef" {
			t.Fatalf("%s: exit %d, manifest %+v\n%s", name, code, m, logs)
		}
		return m
	}
	validated := run("validate", "--run-id=images", "--source=images", "/data/transactions.csv")
	if validated.Counts.In != 10_000 {
		t.Errorf("validate: %+v", validated.Counts)
	}
	chunks := run("split", "--min-rows=2500", "images").Chunks
	if chunks < 2 {
		t.Fatalf("split made %d chunks: mapped tasks are not shown", chunks)
	}
	for index := range chunks {
		run("classify", "--chunks=images/chunks.json", fmt.Sprintf("--index=%d", index))
	}
	for index := range chunks {
		run("load", "--chunks=images/chunks.json", fmt.Sprintf("--index=%d", index))
	}
	if m := run("reconcile", "images"); m.Counts.In != validated.Counts.In ||
		m.Counts.Stored != validated.Counts.Accepted {
		t.Errorf("reconcile: %+v, validate: %+v", m.Counts, validated.Counts)
	}
	if n := strings.TrimSpace(embeddedtest.Exec(t, clickhouse,
		"SELECT count() FROM transactions FINAL")); n != fmt.Sprint(validated.Counts.Accepted) {
		t.Errorf("%s rows in ClickHouse, accepted %d", n, validated.Counts.Accepted)
	}
}

// What a task says by its exit code comes through the engine, with its message in the logs and its manifest on stdout.
func tellByExitCode(i images) {
	t := i.t
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "bad.csv"), []byte("a;b\n1;2\n"), 0o644)) // the task is another user
	must(t, os.WriteFile(filepath.Join(dir, "empty.csv"),
		[]byte("id,description,amount,timestamp,merchant,operation_type,side\n"), 0o644))
	for name, c := range map[string]struct {
		file, says string
		code       int
	}{
		"bad data":      {"bad.csv", "column", fault.ExitData},
		"nothing to do": {"empty.csv", "", fault.ExitNothing},
	} {
		m, logs, code := i.task("validate", []string{"--volume=" + dir + ":/data:ro", "--volume=/artifacts"}, "/data/"+c.file)
		if code != c.code || m.ExitCode != code || !strings.Contains(logs, c.says) {
			t.Errorf("%s: exit %d, want %d, manifest %+v\n%s", name, code, c.code, m, logs)
		}
	}
}

// An image holds the binary and two empty folders, is small, runs as nobody, and says what it is.
func holdTheBinaryAlone(i images) {
	t := i.t
	want := []string{"-rwxr-xr-x 0:0 txflow-task", "drwxr-xr-x 65532:65532 artifacts/", "dtrwxrwxrwx 65532:65532 tmp/"}
	layers := map[string]bool{}
	for _, image := range i.all() {
		var config []struct {
			Config struct {
				User       string
				Entrypoint []string
				Labels     map[string]string
			}
			RootFS struct{ Layers []string }
		}
		must(t, json.Unmarshal([]byte(i.docker("inspect", image)), &config))
		c := config[0].Config
		layers[strings.Join(config[0].RootFS.Layers, " ")] = true
		if c.User != "65532:65532" || c.Labels["org.opencontainers.image.version"] != i.tag ||
			c.Labels["org.opencontainers.image.revision"] == "" {
			t.Errorf("%s: %+v", image, c)
		}
		task := strings.TrimSuffix(strings.TrimPrefix(image, "txflow/"), ":"+i.tag)
		if help := i.docker("run", "--rm", image, "--help"); !strings.Contains(help,
			"txflow-task "+strings.Join(c.Entrypoint[1:], " ")) {
			t.Errorf("%s starts another command:\n%s", task, help)
		}
	}
	if len(layers) != 1 {
		t.Fatalf("the images do not share their layers: %v", layers)
	}
	got := i.open("txflow/txflow-task:" + i.tag)
	if !slices.Equal(got.files, want) {
		t.Errorf("the images hold\n%s", strings.Join(got.files, "\n"))
	}
	if got.compressed > maxImage {
		t.Errorf("an image has %d bytes compressed, allowed are %d", got.compressed, maxImage)
	}
	t.Logf("%d images, %.1f MB compressed each", len(i.all()), float64(got.compressed)/1e6)
}

// migrated is the URL of a database with the product's tables.
func migrated(t *testing.T) string {
	t.Helper()
	url := embeddedtest.Database(t)
	db, err := store.Open(store.Config{URL: secret.NewURL(url)})
	must(t, err)
	t.Cleanup(db.Close)
	core, err := schema.Core()
	must(t, err)
	must(t, migrate.Up(t.Context(), db, core, func(migrate.Migration) {}))
	return url
}
