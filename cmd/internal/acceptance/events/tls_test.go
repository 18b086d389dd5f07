package events

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/fault"
)

// authorityOfTest signs certificates for 127.0.0.1.
type authorityOfTest struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T, path string) *authorityOfTest {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	harness.Must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"},
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	harness.Must(t, err)
	cert, err := x509.ParseCertificate(der)
	harness.Must(t, err)
	writePEM(t, path, "CERTIFICATE", der)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &authorityOfTest{t: t, cert: cert, key: key, pool: pool}
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	harness.Must(t, os.WriteFile(path+".new", pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	harness.Must(t, os.Rename(path+".new", path))
}

// issue writes a certificate with a serial number, and its key.
func (a *authorityOfTest) issue(certFile, keyFile string, serial int64) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	harness.Must(a.t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	harness.Must(a.t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	harness.Must(a.t, err)
	writePEM(a.t, certFile, "CERTIFICATE", der)
	writePEM(a.t, keyFile, "PRIVATE KEY", private)
}

// TestCollectOverTLS has the collector serve TLS by a certificate of its own authority: a sender that knows the
// authority is
// served, one that does not ends at once, and plain HTTP is refused. A new certificate is taken over while it runs.
func TestCollectOverTLS(t *testing.T) {
	t.Parallel()
	p := harness.Place{T: t, Dir: t.TempDir()}
	at := func(name string) string { return filepath.Join(p.Dir, name) }
	ca := newAuthority(t, at("ca.pem"))
	ca.issue(at("cert.pem"), at("key.pem"), 11)
	platform := p.Start("platform", "--clickhouse-addr", "127.0.0.1:0", "--kafka-addr", "127.0.0.1:0",
		"--registry-addr", "")
	p.Env = append(p.Env, "KAFKA_BROKERS="+platform.Find(t, &platform.Stdout, `KAFKA_BROKERS=(\S+)`))
	p.OK("topics", "apply")
	collector := p.Start("collect", "--addr", "127.0.0.1:0", "--tls-cert", "cert.pem", "--tls-key", "key.pem",
		"--schema-id", "1", "--clickhouse-url", "")
	addr := collector.Find(t, &collector.Stdout, `TXFLOW_COLLECT_ADDR=(\S+)`)

	sample := harness.MustAbs(t, filepath.Join(harness.Repository, "data", "events.json"))
	if out := p.OK("events", "send", "--url", "https://"+addr, "--ca-file", "ca.pem",
		sample).Stdout.String(); !strings.Contains(out,
		"accepted 400, rejected 0") {
		t.Error(out)
	}
	if code, run := p.Run("events", "send", "--url", "https://"+addr, "--count", "1"); code != fault.ExitUsage ||
		!strings.Contains(run.Stderr.String(), "--ca-file") {
		t.Errorf("without the authority: exit %d\n%s", code, run.Stderr.String())
	}
	// The server says so and closes the connection, which the sender may see as a reset.
	if code, run := p.Run("events", "send", "--url", "http://"+addr, "--count", "1", "--outage", "1s"); code == 0 {
		t.Errorf("plain HTTP takes an event\n%s", run.Stdout.String())
	}
	if status, body := harness.Get(t, "http://"+addr+"/health"); status != 0 && status != http.StatusBadRequest {
		t.Errorf("plain HTTP: %d %s", status, body)
	}

	ca.issue(at("cert.pem"), at("key.pem"), 12)
	serial := func() int64 {
		dialer := tls.Dialer{Config: &tls.Config{RootCAs: ca.pool, MinVersion: tls.VersionTLS12}}
		conn, err := dialer.DialContext(t.Context(), "tcp", addr)
		harness.Must(t, err)
		defer func() { _ = conn.Close() }()
		return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	until := func(what string, is func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !is(); <-time.After(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("not within a minute: %s\n%s", what, collector.Stderr.String())
			}
		}
	}
	until("the new certificate is served", func() bool { return serial() == 12 })
	harness.Must(t, os.WriteFile(at("cert.pem"), []byte("no certificate"), 0o600))
	until("a file that can not be used is reported, and the one before is served", func() bool {
		return serial() == 12 && strings.Contains(collector.Stderr.String(), "failed to find any PEM data")
	})
}
