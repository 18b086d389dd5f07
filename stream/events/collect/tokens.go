package collect

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Tokens are the senders' bearer tokens, from a file that is read again when it changes. A line is
//
//	NAME TOKEN [until=TIME] [rate=N]
//
// where TOKEN may be sha256: and the token's SHA-256 in hexadecimal, TIME is RFC 3339, and N counts events a second. A
// name may have several tokens, so that one can be replaced while its senders run. It is safe for concurrent use.
type Tokens struct {
	path string
	log  *slog.Logger
	now  func() time.Time

	mu      sync.Mutex
	checked time.Time // when the file was last looked at
	state   string    // of the file then: its size and time
	senders map[[sha256.Size]byte]sender
}

// sender is who has a token.
type sender struct {
	name        string
	fingerprint string    // of the token: the first digits of its SHA-256
	until       time.Time // zero: without an end
	rate        float64   // events a second; 0: the default
}

// NewTokens reads the file. One that can not be used is an error now; later it leaves the tokens as they were.
func NewTokens(path string, log *slog.Logger) (*Tokens, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	t := &Tokens{path: path, log: log, now: time.Now}
	return t, t.load()
}

// recheck is how often the file is looked at, at most.
const recheck = time.Second

// find returns who has a token, nil for nobody.
func (t *Tokens) find(token string) *sender {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if now.Sub(t.checked) >= recheck {
		if err := t.load(); err != nil {
			t.log.Warn("the file with the tokens can not be used; those of before count", "path", t.path, "error", err)
		}
	}
	s, ok := t.senders[sha256.Sum256([]byte(token))] // a guess says nothing of how near it is
	if !ok || !s.until.IsZero() && !now.Before(s.until) {
		return nil
	}
	return &s
}

func (t *Tokens) load() error {
	t.checked = t.now()
	info, err := os.Stat(t.path)
	if err != nil {
		return err
	}
	state := fmt.Sprint(info.Size(), info.ModTime().UnixNano())
	if state == t.state {
		return nil
	}
	content, err := os.ReadFile(t.path)
	if err != nil {
		return err
	}
	senders, err := parseTokens(string(content))
	if err != nil {
		return err
	}
	t.senders, t.state = senders, state
	return nil
}

// parseTokens reads the lines of the file. Its errors hold no token.
func parseTokens(content string) (map[[sha256.Size]byte]sender, error) {
	senders := map[[sha256.Size]byte]sender{}
	var errs []error
	number := 0
	for line := range strings.Lines(content) {
		number++
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		sum, s, err := parseToken(words)
		if _, twice := senders[sum]; err == nil && twice {
			err = errors.New("the token stands in an earlier line, too")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", number, err))
			continue
		}
		senders[sum] = s
	}
	if len(senders) == 0 && len(errs) == 0 {
		return nil, errors.New("there is no token in it")
	}
	return senders, errors.Join(errs...)
}

// leastToken is how long a token must be, in bytes: shorter ones can be guessed.
const leastToken = 16

func parseToken(words []string) (sum [sha256.Size]byte, s sender, err error) {
	if len(words) < 2 {
		return sum, s, errors.New("a name and a token are expected")
	}
	if s.name = words[0]; !validName(s.name) {
		return sum, s, errors.New("a name has 1 to 64 letters, digits, '-', '_' and '.'")
	}
	if digits, hashed := strings.CutPrefix(words[1], "sha256:"); hashed {
		if n, err := hex.Decode(sum[:], []byte(digits)); len(digits) != 2*len(sum) || err != nil || n != len(sum) {
			return sum, s, errors.New("sha256: is followed by 64 hexadecimal digits")
		}
	} else if len(words[1]) < leastToken {
		return sum, s, fmt.Errorf("the token is shorter than %d characters", leastToken)
	} else {
		sum = sha256.Sum256([]byte(words[1]))
	}
	s.fingerprint = hex.EncodeToString(sum[:4])
	for _, word := range words[2:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "until":
			if s.until, err = time.Parse(time.RFC3339, value); err != nil {
				return sum, s, errors.New("until= is followed by a time like 2026-12-31T00:00:00Z")
			}
		case "rate":
			if s.rate, err = strconv.ParseFloat(value, 64); err != nil || !(s.rate > 0 && s.rate <= 1e9) {
				return sum, s, errors.New("rate= is followed by a number of events a second")
			}
		default:
			return sum, s, errors.New("after the token only until= and rate= are known")
		}
	}
	return sum, s, nil
}

func validName(name string) bool {
	return len(name) > 0 && len(name) <= 64 && strings.Trim(name,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
}
