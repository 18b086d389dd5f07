package healthcmd

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/fault"
)

// run is the command with its exit code and what it says.
func run(t *testing.T, args ...string) (code int, said string) {
	t.Helper()
	a := app.New("txflow", "", []*cli.Command{Command()})
	var out bytes.Buffer
	a.Writer, a.ErrWriter = io.Discard, &out
	return app.Main(a, append([]string{"txflow", "health"}, args...)), out.String()
}

func TestHealth(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/well":
		case "/elsewhere":
			http.Redirect(w, r, "/well", http.StatusFound)
		case "/slow":
			<-r.Context().Done()
		default:
			http.Error(w, "messages wait", http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	tcp := "tcp://" + server.Listener.Addr().String()
	unused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := unused.Addr().String()
	if err := unused.Close(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HTTP_PROXY", "http://"+gone)
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{server.URL + "/well"}, fault.ExitDone, ""},
		{[]string{tcp}, fault.ExitDone, ""},
		{[]string{server.URL + "/ill"}, fault.ExitUnavailable, "503 Service Unavailable: messages wait"},
		{[]string{server.URL + "/elsewhere"}, fault.ExitUnavailable, "302"},
		{[]string{"--timeout=50ms", server.URL + "/slow"}, fault.ExitUnavailable, "does not answer"},
		{[]string{"http://user:hush@" + gone}, fault.ExitUnavailable, "refused"},
		{[]string{"tcp://" + gone}, fault.ExitUnavailable, "refused"},
		{[]string{"file:///etc/passwd"}, fault.ExitUsage, ""},
		{[]string{"ftp://host/"}, fault.ExitUsage, "not with ftp://"},
		{[]string{"--timeout=0s", tcp}, fault.ExitUsage, "must be more than 0"},
		{nil, fault.ExitUsage, "needs a URL"},
	} {
		code, said := run(t, c.args...)
		if code != c.code || !strings.Contains(said, c.says) || strings.Contains(said, "hush") {
			t.Errorf("health %v: exit %d, want %d, and says %s", c.args, code, c.code, said)
		}
	}
}
