package schemas

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/txflow/txflow/internal/fault"
)

// Level is the rule that a registry gets: a new version must read what any former one wrote, since messages stay in
// their topics for weeks and dead letters are replayed.
const Level = "BACKWARD_TRANSITIVE"

// LevelNotSet is the rule of a subject for which a registry has none.
const LevelNotSet = "not set"

// Registry keeps schemas. A nil error means that it did.
type Registry interface {
	// Versions returns the schemas of a subject, oldest first; none for one that it does not know.
	Versions(ctx context.Context, subject string) ([]string, error)
	// Level returns the rule that a subject has of its own, or the registry's; LevelNotSet where there is neither.
	Level(ctx context.Context, subject string) (string, error)
	SetLevel(ctx context.Context, subject, level string) error
	// Findings returns why a schema can not follow those that a known subject has; none when it can.
	Findings(ctx context.Context, subject string, format Format, schema string) ([]string, error)
	Register(ctx context.Context, subject string, format Format, schema string) error
}

// Change is one step towards what should be.
type Change struct {
	Text string // for people
	do   func(context.Context, Registry) error
}

// Plan compares; it is empty when nothing is to do. A schema that can not follow what the registry has is an error with
// exit code 65 that says why. What the registry has beyond ours is left: a newer txflow brought it.
func Plan(ctx context.Context, registry Registry, want []Subject) ([]Change, error) {
	var plan []Change
	for _, s := range want {
		level, err := registry.Level(ctx, s.Name)
		if err != nil {
			return nil, err
		}
		if level != Level {
			plan = append(plan, Change{fmt.Sprintf("set the compatibility of %s from %s to %s", s.Name, level, Level),
				func(ctx context.Context, r Registry) error { return r.SetLevel(ctx, s.Name, Level) }})
		}
		have, err := registry.Versions(ctx, s.Name)
		if err != nil {
			return nil, err
		}
		for i, text := range s.Versions {
			if slices.ContainsFunc(have, func(h string) bool { return same(h, text) }) {
				continue
			}
			if err := follows(ctx, registry, &s, have, text, i+1); err != nil {
				return nil, err
			}
			plan = append(plan, Change{fmt.Sprintf("register %s, version %d", s.Name, i+1),
				func(ctx context.Context, r Registry) error { return r.Register(ctx, s.Name, s.Format, text) }})
		}
	}
	return plan, nil
}

// follows is an error when a schema can not follow those that the registry has, by our rule and by its own.
func follows(ctx context.Context, registry Registry, s *Subject, have []string, text string, version int) error {
	if len(have) == 0 {
		return nil
	}
	found, err := registry.Findings(ctx, s.Name, s.Format, text)
	if err != nil {
		return err
	}
	for _, before := range have {
		ours, err := Findings(s.Format, before, text)
		if err != nil {
			return fault.Fail(fault.ExitData, fmt.Errorf("%s: %w", s.Name, err))
		}
		found = append(found, ours...)
	}
	if len(found) > 0 {
		return fault.WithHint(fault.Failf(fault.ExitData, "%s, version %d can not follow what the registry has:\n  %s",
			s.Name, version, strings.Join(found, "\n  ")),
			"leave the field as it was, or add another that may be absent; what can not be compatible needs a topic of its own")
	}
	return nil
}

// Apply makes the changes one by one and calls done after each. Applied again it finds nothing to do.
func Apply(ctx context.Context, registry Registry, plan []Change, done func(Change)) error {
	for _, c := range plan {
		if err := c.do(ctx, registry); err != nil {
			return fmt.Errorf("%s: %w", c.Text, err)
		}
		done(c)
	}
	return nil
}
