package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/google/uuid"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// The lock of a database's migrations is a table named by its generation: of two processes that make the same table,
// one is refused. Its holder touches the table's comment, whose time ClickHouse's own clock gives; who finds the latest
// generation untouched for long takes the next.
const (
	lockPrefix = "schema_lock_"
	lockStale  = 15 * time.Second
	lockTouch  = 3 * time.Second
	lockLook   = 200 * time.Millisecond
)

const codeTableExists = 57

// Lock waits until no other process migrates and keeps others out until unlock.
func (s *Store) Lock(ctx context.Context) (held func(context.Context) error, unlock func(), err error) {
	token := uuid.NewString()
	for waited := false; ; waited = true {
		generation, _, age, err := s.latestLock(ctx)
		if err != nil {
			return nil, nil, err
		}
		if generation == 0 || age >= lockStale {
			name := fmt.Sprintf("%s%d", lockPrefix, generation+1)
			err := s.conn.Exec(ctx, fmt.Sprintf("CREATE TABLE %s (holder UUID) ENGINE = Null COMMENT '%s'", name, token))
			if err == nil {
				held, unlock := s.hold(ctx, name, token)
				return held, unlock, nil
			}
			if Code(err) != codeTableExists {
				return nil, nil, s.explain(err)
			}
		}
		if !waited {
			s.log.InfoContext(ctx, "another process migrates, waiting", "database", s.Database(), "untouched_for", age.String())
		}
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(lockLook):
		}
	}
}

// latestLock returns the greatest generation (0: nobody holds the lock), its holder, and how long it was not touched.
func (s *Store) latestLock(ctx context.Context) (generation uint64, holder string, age time.Duration, err error) {
	err = s.each(ctx, statements.Text("server/lock"), named("prefix", lockPrefix), func(rows driver.Rows) error {
		var seconds int64
		if err := rows.Scan(&generation, &holder, &seconds); err != nil {
			return err
		}
		age = time.Duration(seconds) * time.Second
		return nil
	})
	return generation, strings.TrimSpace(holder), age, err
}

// hold keeps a lock fresh until it is released.
func (s *Store) hold(ctx context.Context, name, token string) (held func(context.Context) error, unlock func()) {
	ctx = context.WithoutCancel(ctx) // a lock is released, too, when the work is interrupted
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(lockTouch):
				// Where it fails, the lock expires; held reports it.
				_ = s.conn.Exec(ctx, fmt.Sprintf("ALTER TABLE %s MODIFY COMMENT '%s'", name, token))
			}
		}
	}()
	held = func(ctx context.Context) error {
		_, holder, _, err := s.latestLock(ctx)
		if err == nil && holder != token {
			err = fault.WithHint(fault.Failf(fault.ExitTryAgain, "another process took over the migration of %s", s.Database()),
				"run txflow migrate again: it resumes where it stopped")
		}
		return err
	}
	unlock = func() {
		close(stop)
		<-stopped
		_, holder, _, err := s.latestLock(ctx)
		if err != nil || holder != token {
			return // it is another's, or gets old by itself
		}
		// Locks that others left, too: whoever held them finds its own gone.
		rows, err := s.query(ctx, "SELECT name FROM system.tables WHERE database = currentDatabase() AND "+
			"startsWith(name, {prefix:String}) ORDER BY name = {own:String}, name",
			named("prefix", lockPrefix, "own", name)...)
		if err != nil {
			return
		}
		var names []string
		for rows.Next() {
			var n string
			if rows.Scan(&n) == nil {
				names = append(names, n)
			}
		}
		_ = rows.Close()
		for _, n := range names {
			_ = s.conn.Exec(ctx, "DROP TABLE IF EXISTS "+quoteName(n)+" SYNC") // one that stays gets old by itself
		}
	}
	return held, unlock
}
