package copycmd

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/fault"
)

func copied(in io.Reader, args ...string) (code int, out, said string) {
	a := app.New("txflow", "", []*cli.Command{Command()})
	var stdout, stderr bytes.Buffer
	a.Reader, a.Writer, a.ErrWriter = in, &stdout, &stderr
	code = app.Main(a, append([]string{"txflow", "copy"}, args...))
	return code, stdout.String(), stderr.String()
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the pipe broke") }

func TestCopy(t *testing.T) {
	file, text := filepath.Join(t.TempDir(), "folder", "file.csv"), strings.Repeat("a;b\n", 100_000)
	if code, _, said := copied(strings.NewReader(text), "-", file); code != fault.ExitDone ||
		!strings.Contains(said, "400,000 bytes") {
		t.Fatalf("exit %d: %s", code, said)
	}
	if code, out, said := copied(nil, file, "-"); code != fault.ExitDone || out != text {
		t.Errorf("exit %d, %d bytes: %s", code, len(out), said)
	}
	if code, _, said := copied(broken{}, "-", file); code == fault.ExitDone || !strings.Contains(said, "the pipe broke") {
		t.Errorf("exit %d: %s", code, said)
	}
	if kept, err := os.ReadFile(file); err != nil || string(kept) != text {
		t.Errorf("a copy that broke off left %d bytes: %v", len(kept), err)
	}
	if code, _, _ := copied(nil, file+".gone", "-"); code != fault.ExitData {
		t.Errorf("a file that is missing: exit %d", code)
	}
	if code, _, _ := copied(nil, file); code != fault.ExitUsage {
		t.Errorf("one argument: exit %d", code)
	}
}
