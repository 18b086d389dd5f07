package refine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/stream/pipeline"
)

// Config says how to refine events. All fields but Schemas and Forgotten are needed.
type Config struct {
	Now     func() time.Time // the clock; a member may live for months
	Log     *slog.Logger
	Rules   *Rules
	Window  time.Duration // how long duplicates are found, by the time of the log
	MaxIDs  int           // ids in the windows of all partitions of the member
	Claims  Topic         // events.claims, which the windows are restored from
	Silver  Topic         // events.silver, for windows that an older release wrote
	Schemas Schemas       // nil: every message is of the schema that this release has

	Forgotten Forgotten // nil: nobody is
}

// Forgotten are the persons whose events are erased.
type Forgotten interface {
	// Refresh learns of tombstones that are older than tombstone.Fresh. It waits for a broker that does not answer. Its
	// error is of a key that is missing.
	Refresh(ctx context.Context) error
	// Erases reports whether an event of an account and a user is erased that was published at a time, in microseconds
	// since 1970.
	Erases(account, user string, published int64) bool
}

func (c *Config) refreshForgotten(ctx context.Context) error {
	if c.Forgotten == nil {
		return nil
	}
	return c.Forgotten.Refresh(ctx)
}

// erases reports whether the event of a message is to be erased. One that could not be read is of nobody.
func (c *Config) erases(e *event.Event, m *pipeline.Message) bool {
	return c.Forgotten != nil && e.ID != (event.ID{}) && c.Forgotten.Erases(e.AccountID, e.UserID, m.Version)
}

// Topic is read to restore the windows.
type Topic interface {
	// Read reads the committed messages of partitions from a time on, each partition in its order; the zero time stands
	// for the first message that is there. A message and its headers are valid until visit returns. It waits for a broker
	// that does not answer. The error of a partition that does not exist has exit code 69.
	Read(ctx context.Context, since map[int32]time.Time, visit func(*pipeline.Message) error) error
}

// Schemas is the Schema Registry.
type Schemas interface {
	// Schema is the text of the schema of an id; ok is false when the registry has none. The error is of a registry that
	// does not answer.
	Schema(ctx context.Context, id int32) (text string, ok bool, err error)
}

// Defaults and bounds of Config.
const (
	DefaultWindow = 24 * time.Hour
	DefaultMaxIDs = 10_000_000
	leastWindow   = time.Minute
	mostWindow    = 7 * 24 * time.Hour
	leastIDs      = 1000
	mostIDs       = 1_000_000_000
)

// Validate returns all faults of the numbers at once, each with the name of its flag.
func (c *Config) Validate() error {
	var errs []error
	if c.Window < leastWindow || c.Window > mostWindow {
		errs = append(errs, fmt.Errorf("--dedup-window is %s: it must be from %s to %s", c.Window, leastWindow, mostWindow))
	}
	if c.MaxIDs < leastIDs || c.MaxIDs > mostIDs {
		errs = append(errs, fmt.Errorf("--dedup-ids is %d: it must be from %d to %d", c.MaxIDs, leastIDs, mostIDs))
	}
	return errors.Join(errs...)
}
