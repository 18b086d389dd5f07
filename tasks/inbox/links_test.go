package inbox_test

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/tasks/inbox"
)

// In a real folder: a link that leads out of it is left alone unless it is allowed, and neither that nor a link to
// itself keeps anybody from the other files.
func TestLinksOutOfTheInboxAreLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"in/a.csv", "in/sub/b.csv", "secret.csv"} {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"in/out.csv": "../secret.csv", "in/loop.csv": "loop.csv",
		"in/inner.csv": "sub/b.csv"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	b := &box{}
	look := func(at string, follow bool) (names []string, err error) {
		m, err := inbox.Look(t.Context(), b.env(), artifact.New(t.Context()), inbox.Config{Inbox: filepath.Join(dir, at),
			Taken: filepath.Join(dir, "taken"), Limit: 100,
			Follow: follow, Now: time.Now().Add(time.Minute)})
		for _, a := range m.Outputs {
			names = append(names, path.Base(a.URL))
		}
		return names, err
	}
	if names, err := look("in", false); err != nil || len(names) != 2 || strings.Contains(strings.Join(names, " "),
		"out.csv") {
		t.Errorf("%v are listed: %v", names, err)
	}
	if names, err := look("in", true); err != nil || len(names) != 3 {
		t.Errorf("with links, %v are listed: %v", names, err)
	}
	if names, err := look("in/out.csv", false); fault.ExitCode(err) != fault.ExitNothing ||
		!strings.Contains(fault.Hint(err), "--follow-links") {
		t.Errorf("%v are listed: %v, next: %s", names, err, fault.Hint(err))
	}
}
