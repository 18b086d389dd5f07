package artifact

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"strings"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/batch"
)

// bufferBytes gathers small writes; larger ones pass by.
const bufferBytes = 256 << 10

// digest is a buffered writer that takes size and SHA-256 of what leaves the buffer.
type digest struct {
	bufio.Writer
	sum *sum
}

type sum struct {
	to   io.Writer
	hash hash.Hash
	n    int64
}

func (s *sum) Write(p []byte) (int, error) {
	n, err := s.to.Write(p)
	s.hash.Write(p[:n])
	s.n += int64(n)
	return n, err
}

func (d *digest) start(to io.Writer) {
	d.sum = &sum{to: to, hash: sha256.New()}
	d.Writer = *bufio.NewWriterSize(d.sum, bufferBytes)
}

func (d *digest) artifact(at location) batch.Artifact {
	return batch.Artifact{URL: at.url, Bytes: d.sum.n, SHA256: hex.EncodeToString(d.sum.hash.Sum(nil))}
}

// verifier compares what was read with the SHA-256 that was promised, at the end.
type verifier struct {
	io.ReadCloser
	at   location
	want string
	hash hash.Hash
	err  error // once set, every Read gives it
}

func newVerifier(r io.ReadCloser, at location, want string) *verifier {
	return &verifier{ReadCloser: r, at: at, want: strings.ToLower(want), hash: sha256.New()}
}

// Read gives the mismatch instead of io.EOF.
func (v *verifier) Read(p []byte) (int, error) {
	if v.err != nil {
		return 0, v.err
	}
	n, err := v.ReadCloser.Read(p)
	v.hash.Write(p[:n])
	if errors.Is(err, io.EOF) {
		if got := hex.EncodeToString(v.hash.Sum(nil)); got != v.want {
			err = fault.WithHint(fault.Failf(fault.ExitData, "the artifact %s is damaged: its SHA-256 should be %s, it is %s",
				v.at, v.want, got), "it was changed after it was written: run the task that wrote it again")
		}
	}
	v.err = err
	return n, err
}

var errNotRegular = errors.New("it is neither a file nor free to become one")

func errClosed(at location) error {
	return fault.Failf(fault.ExitFault, "write %s: it is committed or aborted already", at)
}
