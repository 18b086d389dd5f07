package source

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/klauspost/compress/zstd"

	"github.com/txflow/txflow/internal/transaction"
)

// cut opens a file that ends with an error after some bytes.
type cut struct {
	content []byte
	at      int
	err     error
}

func (c cut) OpenSource(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(bytes.NewReader(c.content[:c.at]), broken{c.err})), nil
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func scanAll(t *testing.T, opener Opener) error {
	t.Helper()
	r, err := Open(t.Context(), opener, "s3://bucket/a.csv", Options{Rules: transaction.DefaultRules(time.Now())})
	if err != nil {
		return err
	}
	defer r.Close()
	worker := func() func(func(func(*Row))) int {
		return func(each func(func(*Row))) (n int) {
			each(func(*Row) { n++ })
			return n
		}
	}
	return Scan(t.Context(), r, 2, worker, func(int) error { return nil })
}

// TestAFaultOfTheStoreIsNotBadData breaks a source off at many places, plain and packed, with whatever a store may say:
// the verdict is the store's, never "bad data, do not retry", and never the end of the file.
func TestAFaultOfTheStoreIsNotBadData(t *testing.T) {
	t.Parallel()
	var plain strings.Builder
	plain.WriteString(header)
	for i := range 4_000 {
		plain.WriteString(row(i, "-1.50"))
	}
	contents := map[string][]byte{"plain": []byte(plain.String())}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, plain.String())
	_ = z.Close()
	contents["gzip"] = bytes.Clone(packed.Bytes())
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	contents["zstd"] = e.EncodeAll([]byte(plain.String()), nil)
	_ = e.Close()
	for kind, content := range contents {
		for name, c := range map[string]struct {
			err  error
			want int
		}{
			"the store is unavailable": {fault.Failf(fault.ExitUnavailable, "read s3://bucket/a.csv: gone"),
				fault.ExitUnavailable},
			"try again":                   {fault.Failf(fault.ExitTryAgain, "read: disk full"), fault.ExitTryAgain},
			"no code at all":              {errors.New("something broke"), fault.ExitUnavailable},
			"a reset":                     {fmt.Errorf("read: %w", syscall.ECONNRESET), fault.ExitUnavailable},
			"a cut":                       {io.ErrUnexpectedEOF, fault.ExitUnavailable},
			"a cut that wraps the end":    {fmt.Errorf("Get \"https://s3\": %w", io.EOF), fault.ExitUnavailable},
			"a time-out":                  {context.DeadlineExceeded, fault.ExitUnavailable},
			"an interrupt":                {context.Canceled, fault.ExitInterrupted},
			"the digest is another's: 65": {fault.Failf(fault.ExitData, "it is damaged"), fault.ExitData},
		} {
			for _, at := range []int{0, 2, len(content) / 3, len(content)} {
				if err := scanAll(t, cut{content, at, c.err}); fault.ExitCode(err) != c.want ||
					!strings.Contains(err.Error(), "s3://bucket/a.csv") {
					t.Errorf("%s, %s after %d of %d bytes: exit code %d, want %d: %v", kind, name, at, len(content),
						fault.ExitCode(err), c.want, err)
				}
			}
		}
		// the same cuts in the file itself are the file's fault
		for _, at := range []int{len(content) / 3, len(content) - 1} {
			if kind != "plain" {
				if err := scanAll(t, cut{content, at, io.EOF}); fault.ExitCode(err) != fault.ExitData {
					t.Errorf("%s, cut at %d: exit code %d: %v", kind, at, fault.ExitCode(err), err)
				}
			}
		}
		if err := scanAll(t, cut{content, len(content), io.EOF}); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
