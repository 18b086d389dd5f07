// Package inbox finds the files that are new in a folder or bucket, and marks those that were taken, so that each
// starts one run. The marks are artifacts: they outlive whoever asks.
package inbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/tasks"
)

// Name is the task's name in manifests.
const Name = "inbox"

// DefaultSettle is longer than a writer pauses between two writes.
const DefaultSettle = 10 * time.Second

// DefaultLimit keeps a look's manifest small.
const DefaultLimit = 100

// Lister lists what matches a pattern, whose * stays within a folder, by canonical URL. No match is an empty list; a
// folder that is not there may be fs.ErrNotExist.
type Lister interface {
	List(ctx context.Context, pattern string) ([]batch.Object, error)
}

// Config says where to look.
type Config struct {
	Inbox  string        // a pattern; a folder is looked through for Suffixes
	Taken  string        // the folder of the marks, by path or URL
	Settle time.Duration // a file that changed within it may still be written, and is left for the next look
	Limit  int           // files a look, the oldest first
	Follow bool          // also links that lead out of the inbox
	Now    time.Time
}

// Validate checks what a user gave.
func (c *Config) Validate() error {
	return tasks.First(tasks.Limit("--settle", c.Settle, 0, 365*24*time.Hour), tasks.Limit("--limit", c.Limit, 1, 100_000))
}

// Suffixes are the files that a folder is looked through for.
var Suffixes = []string{".csv", ".csv.gz", ".csv.zst"}

// Look lists the new files as the outputs of its manifest, each named by its ID. None is an error with exit code 99.
func Look(ctx context.Context, env *tasks.Env, lister Lister, cfg Config) (*batch.Manifest, error) {
	return tasks.Do(ctx, env, Name, -1, func(ctx context.Context, m *batch.Manifest) error {
		files, err := list(ctx, lister, cfg.Inbox)
		if err != nil && fault.Hint(err) == "" {
			err = fault.WithHint(err, "make the folder, or name another with --inbox (TXFLOW_INBOX)")
		}
		if err != nil {
			return err
		}
		outside := 0
		if !cfg.Follow {
			// Whoever may put files there could have any other file of this user's stored, by a link to it.
			files = slices.DeleteFunc(files, func(o batch.Object) bool {
				if o.Outside {
					outside++
					env.Log.WarnContext(ctx, "a link that leads out of the inbox is left alone; --follow-links takes it", "url", o.URL)
				}
				return o.Outside
			})
		}
		taken := marks{lister: lister, folder: cfg.Taken, months: map[string]map[string]bool{}}
		slices.SortFunc(files, func(a, b batch.Object) int { return a.Modified.Compare(b.Modified) })
		unsettled, waiting := 0, 0
		for i := range files {
			id := ID(&files[i])
			isTaken, err := taken.has(ctx, id)
			if err != nil {
				return err
			}
			switch {
			case isTaken:
			case cfg.Now.Sub(files[i].Modified) < cfg.Settle:
				unsettled++
			case len(m.Outputs) == cfg.Limit:
				waiting++
			default:
				m.Outputs = append(m.Outputs, batch.Artifact{Name: id, URL: files[i].URL, Bytes: files[i].Bytes})
			}
		}
		m.Counts.In = int64(len(m.Outputs))
		if unsettled > 0 || waiting > 0 {
			env.Log.InfoContext(ctx, "files are left for the next look", "still_written", unsettled, "over_the_limit", waiting)
		}
		if len(m.Outputs) == 0 {
			return nothing(cfg.Inbox, outside)
		}
		return nil
	})
}

func nothing(inbox string, outside int) error {
	if outside > 0 {
		return fault.WithHint(fault.Failf(fault.ExitNothing, "there is no new file in %s", inbox),
			"it has %s out of it: put the files there, or take them with --follow-links",
			display.Count(outside, "link"))
	}
	return fault.WithHint(fault.Failf(fault.ExitNothing, "there is no new file in %s", inbox),
		"nothing needs to be done; a file that is still being written is new once --settle has passed")
}

// list returns the files of the inbox that are no one's temporary files.
func list(ctx context.Context, lister Lister, inbox string) ([]batch.Object, error) {
	base := inbox
	if strings.Contains(inbox, "://") {
		base, _, _ = strings.Cut(inbox, "?") // the rest is a URL's parameters
	}
	folder := !strings.ContainsAny(base, "*?[") && !hasSuffix(base)
	if folder {
		inbox = batch.NewLayout(inbox, "*").Root
	}
	files, err := lister.List(ctx, inbox)
	return slices.DeleteFunc(files, func(o batch.Object) bool {
		name := name(o.URL)
		return strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".tmp") || strings.HasSuffix(name, ".part") ||
			folder && !hasSuffix(name)
	}), err
}

func hasSuffix(name string) bool {
	return slices.ContainsFunc(Suffixes, func(s string) bool { return strings.HasSuffix(name, s) })
}

func name(url string) string {
	url, _, _ = strings.Cut(url, "?")
	return path.Base(url)
}

// marks knows which ids are taken. The marks of a month are a folder of their own, so that a look lists those of the
// months that the inbox has files of, however many there were before.
type marks struct {
	lister Lister
	folder string
	months map[string]map[string]bool // what was listed; "" has the marks of older releases, which knew no months
}

func (m *marks) has(ctx context.Context, id string) (bool, error) {
	month, digest := split(id)
	for _, month := range []string{month, ""} {
		if err := m.list(ctx, month); err != nil {
			return false, err
		}
		if m.months[month][digest] {
			return true, nil
		}
	}
	return false, nil
}

func (m *marks) list(ctx context.Context, month string) error {
	if m.months[month] != nil {
		return nil
	}
	files, err := m.lister.List(ctx, batch.NewLayout(m.folder, path.Join(month, "*.json")).Root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // nothing was taken in that month yet
		return err
	}
	digests := make(map[string]bool, len(files))
	for _, f := range files {
		digests[strings.TrimSuffix(name(f.URL), ".json")] = true
	}
	m.months[month] = digests
	return nil
}

// ID names a file as it is now: one that changed under the same name is a new one. It is the month in which the file
// was modified, a hyphen and 16 hexadecimal digits; older releases had the digits alone.
func ID(o *batch.Object) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%d", o.URL, o.Bytes, o.Modified.UnixNano()))
	digest := hex.EncodeToString(sum[:8])
	if year := o.Modified.UTC().Year(); year < 0 || year > 9999 { // some file systems have it
		return digest
	}
	return o.Modified.UTC().Format("200601") + "-" + digest
}

var idShape = regexp.MustCompile(`^(?:[0-9]{6}-)?[0-9a-f]{16}$`)

// split returns the month, "" for none, and the digits.
func split(id string) (month, digest string) {
	if month, digest, ok := strings.Cut(id, "-"); ok {
		return month, digest
	}
	return "", id
}

// Mark is a file that was taken.
type Mark struct {
	ID  string `json:"id"`
	URL string `json:"url"`
}

// ParseMark reads ID=URL.
func ParseMark(s string) (Mark, error) {
	id, url, _ := strings.Cut(s, "=")
	if !idShape.MatchString(id) || url == "" {
		return Mark{}, fault.WithHint(fault.Failf(fault.ExitUsage, "%q is not ID=URL", s),
			"ids are the names of the outputs in the manifest of txflow inbox")
	}
	return Mark{ID: id, URL: url}, nil
}

// Take marks files as taken. Marking one again changes nothing.
func Take(ctx context.Context, env *tasks.Env, taken string, all []Mark) (*batch.Manifest, error) {
	return tasks.Do(ctx, env, Name, -1, func(ctx context.Context, m *batch.Manifest) error {
		for _, mark := range all {
			month, digest := split(mark.ID)
			a, err := batch.WriteJSON(ctx, env.Artifacts, batch.NewLayout(taken, path.Join(month, digest+".json")).Root, mark)
			if err != nil {
				return fmt.Errorf("mark %s as taken: %w", mark.URL, err)
			}
			a.Name = mark.ID
			m.Outputs = append(m.Outputs, a)
			m.Counts.In++
		}
		return nil
	})
}
