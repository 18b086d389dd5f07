package refine

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/fault"
)

// Rules are the rules that hold now: those of a file, which is read again when it changes, or the default ones.
type Rules struct {
	path     string // "" for the default ones
	log      *slog.Logger
	rules    *event.Rules
	seen     os.FileInfo
	looked   time.Time
	refused  atomic.Int64 // files that were not taken over
	accepted atomic.Int64
}

// OpenRules reads a file of rules; an empty path stands for the default rules.
func OpenRules(path string, log *slog.Logger) (*Rules, error) {
	r := &Rules{path: path, log: log}
	text := event.DefaultRules
	if path != "" {
		var err error
		if r.seen, err = os.Stat(path); err == nil {
			text, err = os.ReadFile(path)
		}
		if err != nil {
			return nil, fault.Failf(fault.ExitUsage, "--rules: %w", err)
		}
	}
	rules, err := event.ParseRules(text)
	if err != nil {
		return nil, fault.WithHint(fault.Failf(fault.ExitData, "the rules in %s: %w", path, err),
			"txflow stream refine --print-rules prints the default ones, to begin with")
	}
	r.rules = rules
	return r, nil
}

func (r *Rules) current() *event.Rules { return r.rules }

// lookEvery is how often the file is looked at.
const lookEvery = time.Second

// refresh reads the file again if it has changed. A file with faults is not taken over: the rules stay as they were.
func (r *Rules) refresh(ctx context.Context, now time.Time) *event.Rules {
	if r.path == "" || now.Sub(r.looked) < lookEvery && !now.Before(r.looked) {
		return r.rules
	}
	r.looked = now
	info, err := os.Stat(r.path)
	if err == nil && r.seen != nil && os.SameFile(info, r.seen) && info.ModTime().Equal(r.seen.ModTime()) &&
		info.Size() == r.seen.Size() {
		return r.rules
	}
	missing := err != nil
	if missing && r.seen == nil {
		return r.rules // the fault is in the log already
	}
	var rules *event.Rules
	if err == nil {
		var text []byte
		if text, err = os.ReadFile(r.path); err == nil {
			rules, err = event.ParseRules(text)
		}
	}
	if r.seen = info; missing {
		r.seen = nil
	}
	if err != nil {
		r.refused.Add(1)
		r.log.ErrorContext(ctx, "the file of rules is not taken over; the rules stay as they were", "file", r.path,
			"version", r.rules.Version, "error", fmt.Sprint(err))
		return r.rules
	}
	if rules.Version != r.rules.Version {
		r.accepted.Add(1)
		r.log.InfoContext(ctx, "new rules hold", "file", r.path, "version", rules.Version, "before", r.rules.Version)
		r.rules = rules
	}
	return r.rules
}
