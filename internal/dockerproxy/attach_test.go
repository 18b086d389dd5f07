package dockerproxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// raw asks with a path as it is: the client of net/http would clean it.
func raw(t *testing.T, at, method, path string) (status int, said string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(at, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	body := ""
	if strings.Contains(path, "/create") {
		body = with("Hostname", "")
	}
	if _, err := fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: docker\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s",
		method, path, len(body), body); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}

// An attached task's output comes through as a stream of its own.
func TestAttach(t *testing.T) {
	t.Parallel()
	_, at := start(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(at, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := fmt.Fprintf(conn, "POST /v1.44/containers/%s/attach?stdout=1&stderr=1&stream=1&logs=0&stdin=0 "+
		"HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n", mine); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 101") || !strings.HasSuffix(string(text), "raw stream") {
		t.Errorf("%v: %q", err, text)
	}
}
