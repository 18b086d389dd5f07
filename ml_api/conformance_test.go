package mlapi_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/ml_api/client"
	"github.com/txflow/txflow/ml_api/server"
)

// TestClientAndServerAgree has the client ask the server for the two golden ids of the rule.
func TestClientAndServerAgree(t *testing.T) {
	t.Parallel()
	s, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	defer h.Close()
	c, err := client.New(client.Config{URL: secret.NewURL(h.URL)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	row := transaction.Transaction{Description: "x\u2028\"", Amount: -12345, Timestamp: time.Now(), OperationType: "card",
		Side: transaction.Debit}
	rows := []transaction.Transaction{row, row}
	rows[0].ID, _ = transaction.ParseUUID([]byte("b9fa6684-502b-4695-8f92-247432ba610d"))
	rows[1].ID, _ = transaction.ParseUUID([]byte("ffffffff-ffff-ffff-ffff-ffffffffffff"))
	r, err := c.Predict(t.Context(), rows)
	if err != nil || r.Items[0].Category.String() != "Transportation" || r.Items[1].Category.String() != "Restaurant" ||
		r.Calls[0].Model != server.DefaultModelVersion {
		t.Errorf("%+v %v", r, err)
	}
	if model, err := c.Model(t.Context()); err != nil || model != server.DefaultModelVersion {
		t.Errorf("%q %v", model, err)
	}
}

// TestTLSAndToken has the client ask a server with a certificate of its own authority and a token, which is then
// replaced.
func TestTLSAndToken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(at(name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "txflow test"},
		NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	write("token", []byte("first\n"))
	tokens, err := secret.NewTokens("", at("token"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Config{Addr: "127.0.0.1:0", CertFile: at("cert.pem"), KeyFile: at("key.pem"),
		Tokens: tokens})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	listener, err := s.Listen(ctx)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, listener) }()
	defer func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	url := secret.NewURL("https://" + listener.Addr().String())
	ask := func(cfg client.Config) error {
		t.Helper()
		cfg.URL, cfg.OutageLimit, cfg.MaxAttempts = url, -1, 1
		c, err := client.New(cfg)
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Predict(t.Context(), sample(3, 1))
		return err
	}
	first, err := secret.NewTokens("first", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := ask(client.Config{CAFile: at("cert.pem"), Tokens: first}); err != nil {
		t.Error(err)
	}
	for name, cfg := range map[string]client.Config{"no authority": {Tokens: first},
		"no token": {CAFile: at("cert.pem")}} {
		if err := ask(cfg); fault.ExitCode(err) != fault.ExitUnavailable || fault.Hint(err) == "" {
			t.Errorf("%s: exit code %d: %v", name, fault.ExitCode(err), err)
		}
	}
	for _, path := range []string{"none.pem", "token"} {
		if err := ask(client.Config{CAFile: at(path)}); fault.ExitCode(err) != fault.ExitUsage {
			t.Errorf("%s as authority: exit code %d: %v", path, fault.ExitCode(err), err)
		}
	}
}
