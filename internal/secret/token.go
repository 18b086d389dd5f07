package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"
)

// Tokens are bearer tokens, given or in a file, one a line. The file is read again when it changes, so that a token can
// be replaced while its users run. A nil one has none. It is safe for concurrent use.
type Tokens struct {
	path string

	mu      sync.Mutex
	checked time.Time // when the file was last looked at
	state   string    // of the file then: its size and time
	all     []Text
}

// NewTokens takes a token, or the path of a file with some; both empty is nil. A file that can not be used is an error
// now.
func NewTokens(token, path string) (*Tokens, error) {
	switch {
	case token == "" && path == "":
		return nil, nil
	case path == "":
		t := &Tokens{all: []Text{NewText(token)}}
		return t, t.valid()
	}
	t := &Tokens{path: path}
	_, err := t.current()
	return t, err
}

// recheck is how often the file is looked at, at most.
const recheck = time.Second

// First is the token to send: the first one. Where the file can not be read now it is that of before.
func (t *Tokens) First() Text {
	if t == nil {
		return Text{}
	}
	all, _ := t.current()
	if len(all) == 0 {
		return Text{}
	}
	return all[0]
}

// Match reports whether a token is one of them, in a time that does not depend on how much of it is right.
func (t *Tokens) Match(token string) bool {
	if t == nil {
		return true
	}
	given, found := sha256.Sum256([]byte(token)), 0
	all, _ := t.current()
	for _, one := range all {
		want := sha256.Sum256([]byte(one.Reveal()))
		found |= subtle.ConstantTimeCompare(given[:], want[:])
	}
	return found == 1
}

func (t *Tokens) current() ([]Text, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.path == "" || time.Since(t.checked) < recheck {
		return t.all, nil
	}
	t.checked = time.Now()
	info, err := os.Stat(t.path)
	if err != nil {
		return t.all, unreadable(err)
	}
	if state := fmt.Sprint(info.Size(), info.ModTime().UnixNano()); state != t.state {
		content, err := os.ReadFile(t.path)
		if err != nil {
			return t.all, unreadable(err)
		}
		read := &Tokens{}
		for line := range strings.Lines(string(content)) {
			if line = strings.TrimSpace(line); line != "" {
				read.all = append(read.all, NewText(line))
			}
		}
		if err := read.valid(); err != nil {
			return t.all, err
		}
		t.all, t.state = read.all, state
	}
	return t.all, nil
}

// unreadable names the file and what is wrong.
func unreadable(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("the file with the token, %s: %w", path.Path, path.Err)
	}
	return err
}

func (t *Tokens) valid() error {
	if len(t.all) == 0 {
		return errors.New("the file with the token is empty")
	}
	for _, one := range t.all {
		for _, c := range []byte(one.Reveal()) {
			if c <= ' ' || c >= 0x7f {
				return errors.New("a token may have visible ASCII characters only, and no spaces")
			}
		}
	}
	return nil
}
