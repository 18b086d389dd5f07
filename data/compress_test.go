package data_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/txflow/txflow/data"
)

func TestCompress(t *testing.T) {
	t.Parallel()
	want, _ := generate(t, data.Options{Rows: 5_000, Seed: 1})
	for name, unpack := range map[string]func(io.Reader) (io.Reader, error){
		"a.csv":    func(r io.Reader) (io.Reader, error) { return r, nil },
		"a.csv.GZ": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"s3://b/a.zst?x=.y": func(r io.Reader) (io.Reader,
			error) {
			return zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		},
	} {
		var packed bytes.Buffer
		w, err := data.Compress(&packed, name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(want); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		size := packed.Len()
		r, err := unpack(&packed)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, want) || name != "a.csv" && size > len(want)/2 {
			t.Errorf("%s: %d bytes packed, %d read back: %v", name, size, len(got), err)
		}
	}
}
