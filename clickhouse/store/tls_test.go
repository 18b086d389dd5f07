package store_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/secret"
)

// ClickHouse behind TLS, whose certificate a file vouches for: rows are stored and read. Without that file, or with
// another one, nothing is sent, and the error says what to set; it is not waited out.
func TestTLS(t *testing.T) { // it sets the environment
	direct := open(t)
	to, err := url.Parse(direct.url)
	must(t, err)
	front := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(&url.URL{Scheme: to.Scheme, Host: to.Host}))
	t.Cleanup(front.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, content, 0o600))
		return path
	}
	right := file("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw}))
	wrong := file("other.pem", otherAuthority(t))
	const password = "hunter2SECRET"
	at := func(base string) string {
		return strings.Replace(base, "://", "://default:"+password+"@", 1) + "/?" + to.RawQuery + "&max_execution_time=60"
	}
	ask := func(address, ca string) error {
		t.Setenv("CLICKHOUSE_CA_FILE", ca)
		db, err := store.Open(store.Config{URL: secret.NewURL(address)})
		if err != nil {
			return err
		}
		defer db.Close()
		for _, printed := range []string{fmt.Sprint(db), fmt.Sprintf("%+v", db), fmt.Sprintf("%#v", db)} {
			if strings.Contains(printed, password) {
				t.Errorf("a store is printed with its password: %s", printed)
			}
		}
		if _, err := db.Ping(t.Context()); err != nil {
			return err
		}
		return db.InsertClassified(t.Context(), info, pieces(classified(2, 5, "Rent", nil)))
	}
	must(t, ask(strings.Replace(at(front.URL), "default:"+password+"@", "", 1), right))
	if got := direct.sql("SELECT count() FROM transactions FINAL"); got != "1" {
		t.Errorf("%s rows came through TLS, want 1", got)
	}
	for name, c := range map[string]struct {
		address, ca, says string
		code              int
	}{
		"nobody vouches":      {at(front.URL), "", "certificate", fault.ExitUnavailable},
		"another one vouches": {at(front.URL), wrong, "certificate", fault.ExitUnavailable},
		"no TLS there": {at(strings.Replace(plain.URL, "http://", "https://", 1)), right, "HTTP",
			fault.ExitUnavailable},
		"no such file":         {at(front.URL), filepath.Join(dir, "none.pem"), "CLICKHOUSE_CA_FILE", fault.ExitUsage},
		"a file without a key": {at(front.URL), file("empty.pem", nil), "PEM", fault.ExitUsage},
	} {
		err := ask(c.address, c.ca)
		if fault.ExitCode(err) != c.code || !strings.Contains(fmt.Sprint(err), c.says) ||
			strings.Contains(fmt.Sprint(err), password) {
			t.Errorf("%s: exit %d, %v, want %d and %q", name, fault.ExitCode(err), err, c.code, c.says)
		}
		if c.code == fault.ExitUnavailable && !strings.Contains(fault.Hint(err), "CLICKHOUSE_CA_FILE") {
			t.Errorf("%s: the hint is %q", name, fault.Hint(err))
		}
	}
}

// otherAuthority is a certificate, in PEM, of somebody who vouches for nobody here.
func otherAuthority(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "other"},
		NotBefore: time.Now().Add(-time.Hour),
		NotAfter:  time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
