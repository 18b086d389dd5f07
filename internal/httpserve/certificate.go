package httpserve

import (
	"crypto/tls"
	"log/slog"
	"os"
	"sync"
	"time"
)

// recheck is how often the files of a certificate are looked at.
const recheck = time.Second

// certificate is that of a server. It is read again when one of its files has changed; while they can not be used, the
// one that was read before stays.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	now               func() time.Time

	mu      sync.Mutex
	current *tls.Certificate
	files   [2]fileState
	checked time.Time
}

// fileState is what changes with a file's contents.
type fileState struct {
	at   time.Time
	size int64
}

func stateOf(path string) (s fileState) {
	if info, err := os.Stat(path); err == nil {
		s = fileState{info.ModTime(), info.Size()}
	}
	return s
}

// load reads the files.
func (c *certificate) load() error {
	files := [2]fileState{stateOf(c.certFile), stateOf(c.keyFile)} // before they are read
	read, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	c.checked, c.files = c.now(), files
	if err == nil {
		c.current = &read
	}
	return err
}

// get is for tls.Config.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.checked) >= recheck || now.Before(c.checked) {
		c.checked = now
		if c.files != [2]fileState{stateOf(c.certFile), stateOf(c.keyFile)} {
			if err := c.load(); err != nil {
				c.log.Error("the certificate has changed and can not be used: the one before stays", "error", err)
			} else {
				c.log.Info("the certificate is read again", "expires", c.current.Leaf.NotAfter)
			}
		}
	}
	return c.current, nil
}
