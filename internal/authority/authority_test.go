package authority

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPool trusts a server by its certificate in a file, and says what is wrong with files that hold none.
func TestPool(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "bad.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for file, text := range map[string][]byte{good: certificate, bad: []byte("no certificate")} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool, err := Pool(good)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Certificate().Verify(x509.VerifyOptions{Roots: pool}); err != nil {
		t.Errorf("the pool does not vouch for its own certificate: %v", err)
	}
	if _, err := Pool(bad); err == nil || !strings.Contains(err.Error(), bad) {
		t.Errorf("a file without a certificate: %v", err)
	}
	if _, err := Pool(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestRefused distinguishes a server that nobody vouches for, and one that speaks plain HTTP, from one that does not
// listen.
func TestRefused(t *testing.T) {
	t.Parallel()
	secure, plain := httptest.NewTLSServer(http.NotFoundHandler()), httptest.NewServer(http.NotFoundHandler())
	defer secure.Close()
	defer plain.Close()
	get := func(url string) error {
		answer, err := http.Get(url)
		if err == nil {
			err = answer.Body.Close()
		}
		return err
	}
	if err := get(secure.URL); !Refused(fmt.Errorf("wrapped: %w", err)) {
		t.Errorf("an unknown certificate: %v", err)
	}
	if err := get(strings.Replace(plain.URL, "http:", "https:", 1)); !Refused(err) {
		t.Errorf("HTTP where TLS was expected: %v", err)
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	if err := get(closed.URL); err == nil || Refused(err) || Refused(nil) {
		t.Errorf("nobody listens: %v", err)
	}
}
