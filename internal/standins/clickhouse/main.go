// Command clickhouse is the stand-in for a ClickHouse server where its image cannot be pulled: txflow platform with
// ClickHouse's own engine, and before it the users of the stack with the passwords of their file. What it cannot prove:
// grants, profiles, the native port, that of MySQL. The user reader may only read, as its profile says.
package main

import (
	"context"
	"crypto/sha1" // what clients of MySQL send is made of it
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

const (
	passwords = "/etc/clickhouse-server/users.d/zz-passwords.xml"
	engine    = "127.0.0.1:8124"
	reader    = "reader"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run serves until SIGTERM, or until the platform ends.
func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	users, err := readUsers(passwords)
	if err != nil {
		return err
	}
	platform := exec.CommandContext(ctx, "/txflow", "platform", "--data", "/var/lib/clickhouse/platform",
		"--clickhouse-addr", engine, "--kafka-addr", "", "--registry-addr", "")
	platform.Stdout, platform.Stderr = os.Stdout, os.Stderr
	platform.Cancel = func() error { return platform.Process.Signal(syscall.SIGTERM) }
	platform.WaitDelay = 25 * time.Second
	if err := platform.Start(); err != nil {
		return err
	}
	at := &url.URL{Scheme: "http", Host: engine}
	proxy := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at) }}
	server := &http.Server{Addr: ":8123", ReadHeaderTimeout: 10 * time.Second, Handler: users.before(proxy)}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	ended := make(chan error, 1)
	go func() { ended <- platform.Wait() }()
	select {
	case err := <-failed:
		stop()
		return errors.Join(err, <-ended)
	case err := <-ended:
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("the platform ended: %w", err)
	}
}

// users are hashes of passwords in hexadecimal, by name: of 32 bytes SHA-256, of 20 SHA-1 of SHA-1.
type users map[string]string

// has reports whether a user has this password.
func (u users) has(name, password string) bool {
	want, err := hex.DecodeString(u[name])
	if err != nil {
		return false
	}
	if len(want) == sha1.Size {
		once := sha1.Sum([]byte(password))
		twice := sha1.Sum(once[:])
		return subtle.ConstantTimeCompare(twice[:], want) == 1
	}
	sum := sha256.Sum256([]byte(password))
	return subtle.ConstantTimeCompare(sum[:], want) == 1
}

func readUsers(file string) (users, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var found struct {
		Users struct {
			All []struct {
				XMLName xml.Name
				SHA256  string `xml:"password_sha256_hex"`
				SHA1    string `xml:"password_double_sha1_hex"`
			} `xml:",any"`
		} `xml:"users"`
	}
	if err := xml.Unmarshal(text, &found); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	all := users{}
	for _, u := range found.Users.All {
		all[u.XMLName.Local] = u.SHA256 + u.SHA1 // one of them
	}
	return all, nil
}

// before lets users with their passwords through, as the engine's only one.
func (u users) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		name, password, _ := r.BasicAuth()
		for _, other := range [][2]string{{r.Header.Get("X-ClickHouse-User"), r.Header.Get("X-ClickHouse-Key")},
			{query.Get("user"), query.Get("password")}} {
			if other[0] != "" {
				name, password = other[0], other[1]
			}
		}
		open := r.URL.Path == "/ping" || r.URL.Path == "/metrics" || r.URL.Path == "/readyz"
		if !open && !u.has(name, password) {
			w.Header().Set("X-ClickHouse-Exception-Code", "516")
			http.Error(w, "Code: 516. DB::Exception: "+name+
				": Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)",
				http.StatusForbidden)
			return
		}
		query.Del("user")
		query.Del("password")
		if name == reader {
			query.Set("readonly", "2") // as its profile has it: it writes nothing, and may bound a query
		}
		r.URL.RawQuery = query.Encode()
		for _, header := range []string{"Authorization", "X-ClickHouse-User", "X-ClickHouse-Key", "Origin", "Referer"} {
			r.Header.Del(header)
		}
		next.ServeHTTP(w, r)
	})
}
