package data

import (
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Compress wraps w as the name's ending asks: .gz, .zst, or not at all. Close ends the compression; w stays open. A
// URL's parameters are no part of the name.
func Compress(w io.Writer, name string) (io.WriteCloser, error) {
	name, _, _ = strings.Cut(strings.ToLower(name), "?")
	switch {
	case strings.HasSuffix(name, ".gz"):
		return gzip.NewWriter(w), nil
	case strings.HasSuffix(name, ".zst"):
		z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1)) // one: the same bytes everywhere
		if err != nil {
			return nil, fmt.Errorf("start zstd: %w", err)
		}
		return z, nil
	}
	return plainWriter{w}, nil
}

type plainWriter struct{ io.Writer }

// Close does nothing.
func (plainWriter) Close() error { return nil }
