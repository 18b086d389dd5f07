package artifact_test

import (
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/testtool"
)

// TestVersity runs the suite against versitygw, a real S3 server, built on demand from the module in s3server.
func TestVersity(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT RUN with -short: builds a real S3 server")
	}
	server := buildVersity(t)
	listen := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	addr := listen.Addr().String()
	must0(t, listen.Close())
	dir := t.TempDir()
	must0(t, os.MkdirAll(filepath.Join(dir, "data", "bucket"), 0o700))
	must0(t, os.Mkdir(filepath.Join(dir, "meta"), 0o700))
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "very-secret-value")

	log := must(os.Create(filepath.Join(dir, "log")))(t)
	cmd := exec.Command(server, "--quiet", "--port", addr, "posix", "--sidecar", filepath.Join(dir, "meta"),
		filepath.Join(dir, "data"))
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY=AKIATEST", "ROOT_SECRET_KEY=very-secret-value")
	cmd.Stdout, cmd.Stderr = log, log
	must0(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it says that it was killed
		must0(t, log.Close())
	})
	waitFor(t, addr, log.Name())
	conformance(t, "s3://bucket/some/run?region=us-east-1&endpoint=http://"+addr)
	ensure(t, "s3://made?region=us-east-1&endpoint=http://"+addr)
}

// buildVersity keeps the server in the user's cache, where internal/standins/build finds it: cold it takes a minute or
// two.
func buildVersity(t *testing.T) string {
	t.Helper()
	cache := must(os.UserCacheDir())(t)
	locked := sha256.Sum256(must(os.ReadFile("s3server/go.sum"))(t))
	path := filepath.Join(cache, "txflow", fmt.Sprintf("versitygw-static-%x", locked[:6]))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	must0(t, os.MkdirAll(filepath.Dir(path), 0o755))
	t.Log("building versitygw, once")
	temp := fmt.Sprintf("%s.%d", path, os.Getpid())
	const server = "github.com/versity/versitygw/cmd/versitygw"
	cmd := exec.Command("go", "build", "-C", "s3server", "-trimpath", "-o", temp, server)
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly -buildvcs=false", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		testtool.Missing(t, "versitygw can not be built here: %v\n%s", err, out)
	}
	must0(t, os.Rename(temp, path))
	return path
}

func waitFor(t *testing.T, addr, log string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			must0(t, c.Close())
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	content, _ := os.ReadFile(log) // whatever there is of it
	t.Fatalf("versitygw did not start:\n%s", content)
}
