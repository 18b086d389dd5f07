package event

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// DefaultRules are the rules that txflow brings along, as a file of rules.
//
//go:embed rules.json
var DefaultRules []byte

// Rules say what an event is about and how good it is. They are read from a file of JSON; see DefaultRules for its
// form.
type Rules struct {
	Version string // the file's own, and the beginning of the SHA-256 of its bytes: "1-0123abcd"

	late, future      time.Duration
	prefixes, domains []namedContext
	other             string
	score             []scoreRule
	left              [scoreFull + 1]string // what is left, as text, by thousandths
}

type namedContext struct {
	Of      string `json:"of"`
	Context string `json:"context"`
}

// scoreRule takes points from events of a form, or of all, that lack a field.
type scoreRule struct {
	Rule    string `json:"rule"`
	Form    Form   `json:"form"`
	Missing string `json:"missing"`
	Points  string `json:"points"` // decimal, with at most scoreDigits after the point

	points  int // in units of the last digit
	missing func(*Event) bool
}

// A score is kept as whole thousandths.
const (
	scoreDigits = 3
	scoreFull   = 1000
)

// fields are those whose absence costs points.
var fields = map[string]func(*Event) bool{
	"user_id":             func(e *Event) bool { return e.UserID == "" },
	"account_id":          func(e *Event) bool { return e.AccountID == "" },
	"target_subscription": func(e *Event) bool { return e.TargetSubscription == "" },
	"message_id":          func(e *Event) bool { return e.MessageID == "" },
	"timestamp":           func(e *Event) bool { return !e.HasTimestamp },
	"platform":            func(e *Event) bool { return e.Platform == "" },
	"device":              func(e *Event) bool { return e.Device == "" },
	"amplitude_id":        func(e *Event) bool { return e.AmplitudeID == "" },
	"ip_address":          func(e *Event) bool { return e.IPAddress == "" },
	"user_agent":          func(e *Event) bool { return e.UserAgent == "" },
	"session_id":          func(e *Event) bool { return e.SessionID == "" },
	"data":                func(e *Event) bool { return e.Data == "" || e.Data == "{}" || e.Data == "null" },
}

// ParseRules reads a file of rules. Its error names every fault.
func ParseRules(file []byte) (*Rules, error) {
	var f struct {
		Version     string `json:"version"`
		LateAfter   string `json:"late_after"`
		FutureAfter string `json:"future_after"`
		Contexts    struct {
			Prefixes []namedContext `json:"prefixes"`
			Domains  []namedContext `json:"domains"`
			Other    string         `json:"other"`
		} `json:"contexts"`
		Score []scoreRule `json:"score"`
	}
	decoder := json.NewDecoder(bytes.NewReader(file))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the object")
	}
	sum := sha256.Sum256(file)
	r := &Rules{Version: f.Version + "-" + hex.EncodeToString(sum[:4]), prefixes: f.Contexts.Prefixes,
		domains: f.Contexts.Domains, other: f.Contexts.Other, score: f.Score}
	errs := []error{r.times(f.LateAfter, f.FutureAfter)}
	if f.Version == "" {
		errs = append(errs, errors.New("version is missing"))
	}
	if r.other == "" {
		errs = append(errs, errors.New("contexts.other is missing"))
	}
	for name, list := range map[string][]namedContext{"prefixes": r.prefixes, "domains": r.domains} {
		for i, c := range list {
			if c.Of == "" || c.Context == "" {
				errs = append(errs, fmt.Errorf("contexts.%s[%d] needs of and context", name, i))
			}
		}
	}
	for n := range r.left {
		r.left[n] = score(n)
	}
	for i := range r.score {
		if err := r.score[i].check(); err != nil {
			errs = append(errs, fmt.Errorf("score[%d]: %w", i, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return r, nil
}

// times reads from when on an event is late, and of the future.
func (r *Rules) times(late, future string) (err error) {
	if r.late, err = time.ParseDuration(late); err != nil || r.late < 0 {
		return fmt.Errorf("late_after is %q: it must be a time like 1h", late)
	}
	if r.future, err = time.ParseDuration(future); err != nil || r.future < 0 {
		return fmt.Errorf("future_after is %q: it must be a time like 1m", future)
	}
	return nil
}

func (s *scoreRule) check() error {
	if s.Rule == "" {
		return errors.New("rule is missing")
	}
	if s.Form != "" && s.Form != FormPackage && s.Form != FormSimple {
		return fmt.Errorf("form is %q: it must be %s, %s or absent", s.Form, FormPackage, FormSimple)
	}
	if s.missing = fields[s.Missing]; s.missing == nil {
		return fmt.Errorf("missing is %q, which is no field that may be missing", s.Missing)
	}
	points, err := strconv.ParseFloat(s.Points, 64)
	s.points = int(points*scoreFull + 0.5)
	if err != nil || !(points > 0 && points <= 1) || score(s.points) != s.Points {
		return fmt.Errorf("points is %q: it must be a decimal above 0 and up to 1, like 0.1, with at most %d digits",
			s.Points, scoreDigits)
	}
	return nil
}

// score writes thousandths as a decimal, without zeros at its end.
func score(thousandths int) string {
	text := fmt.Sprintf("%d.%0*d", thousandths/scoreFull, scoreDigits, thousandths%scoreFull)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// Context says what an event is about, by its type: its beginning, or the segment of a class name after Domain.
func (r *Rules) Context(kind string) string {
	for _, c := range r.prefixes {
		if strings.HasPrefix(kind, c.Of) {
			return c.Context
		}
	}
	if _, after, ok := strings.Cut(kind, `\Domain\`); ok {
		segment, _, _ := strings.Cut(after, `\`)
		for _, c := range r.domains {
			if c.Of == segment {
				return c.Context
			}
		}
	}
	return r.other
}

// Loss is a part of the score that an event lost.
type Loss struct{ Rule, Points string }

// Score appends what an event lost to dst, and returns what is left: a decimal from 0 to 1.
func (r *Rules) Score(e *Event, dst []Loss) (left string, losses []Loss) {
	n := scoreFull
	for i := range r.score {
		if s := &r.score[i]; (s.Form == "" || s.Form == e.Form) && s.missing(e) {
			n -= s.points
			dst = append(dst, Loss{s.Rule, s.Points})
		}
	}
	return r.left[max(n, 0)], dst
}

// Punctual says whether an event was published long after its own time, or before it; times are microseconds since
// 1970.
func (r *Rules) Punctual(e *Event, published int64) (late, future bool) {
	if !e.HasTimestamp {
		return false, false
	}
	return published-e.Timestamp > r.late.Microseconds(), e.Timestamp-published > r.future.Microseconds()
}
