package artifact

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Once reports whether what a URL or path names can be read only once, or is another thing to another process: a pipe,
// a device, or a path below /dev or /proc.
func Once(url string) bool {
	at, err := parse(url)
	if err != nil || !at.local() {
		return false
	}
	path, err := filepath.Abs(at.path)
	if err == nil && (strings.HasPrefix(path, "/dev/") || strings.HasPrefix(path, "/proc/")) {
		return true
	}
	info, err := os.Stat(at.path)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// Interruptible reads what open opens, and ends with the context's error when that is done, even while open or a read
// hangs for want of somebody who writes. What hangs is left behind.
func Interruptible(ctx context.Context, open func() (io.ReadCloser, error)) io.ReadCloser {
	r, w := io.Pipe()
	stop := context.AfterFunc(ctx, func() { _ = w.CloseWithError(context.Cause(ctx)) })
	go func() {
		defer stop()
		from, err := open()
		if err == nil {
			_, err = io.CopyBuffer(w, onlyReader{from}, make([]byte, 64<<10))
			_ = from.Close() // it was only read
		}
		_ = w.CloseWithError(err)
	}()
	return r
}

// onlyReader hides what would let io.Copy read in its own way.
type onlyReader struct{ io.Reader }
