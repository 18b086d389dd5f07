package main

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/migrate"
	"github.com/txflow/txflow/clickhouse/migrations"
	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/internal/batch"
)

func migrateCommand() *cli.Command {
	return &cli.Command{
		Name: "migrate", Category: "Platform", Usage: "bring ClickHouse's tables to this version of txflow",
		Flags: batchcmd.Flags([]cli.Flag{
			&cli.BoolFlag{Name: "dry-run", EnvVars: []string{"TXFLOW_MIGRATE_DRY_RUN"}, Usage: "print what would be applied, and apply nothing"},
			&cli.BoolFlag{Name: "check", EnvVars: []string{"TXFLOW_MIGRATE_CHECK"}, Usage: "exit 69 when something is to be applied, and apply nothing"},
		}, batchcmd.ClickHouseFlags),
		Description: `Migrations go forward only; each is applied once and kept with its checksum. Two may migrate at once.

   txflow migrate
   txflow migrate --dry-run
   txflow migrate --check --clickhouse-url clickhouse://db:9000?database=txflow`,
		Action: app.Action(func(c *cli.Context, rt *app.Runtime) error {
			db, err := batchcmd.Store(c, rt)
			if err != nil {
				return err
			}
			defer db.Close()
			if !c.Bool("dry-run") && !c.Bool("check") {
				return migrateUp(c.Context, db, rt.Stderr)
			}
			set, err := coreMigrations()
			if err != nil {
				return err
			}
			state, err := migrate.Status(c.Context, db, set)
			if err != nil {
				return err
			}
			if err := state.Err(); err != nil {
				return err
			}
			for _, m := range state.Pending {
				_, _ = fmt.Fprintf(rt.Stdout, "-- %s\n%s\n", m.Name, m.SQL)
			}
			_, _ = fmt.Fprintf(rt.Stderr, "%d of %d migrations are to be applied\n", len(state.Pending), len(set.Migrations))
			if c.Bool("check") && len(state.Pending) > 0 {
				return batch.WithHint(batch.Failf(batch.ExitUnavailable, "the schema is not up to date"), "run txflow migrate")
			}
			return nil
		}),
	}
}

// coreMigrations is the set that every txflow needs.
func coreMigrations() (migrate.Set, error) {
	all, err := migrate.Load(migrations.Files)
	return migrate.Set{Name: "core", Migrations: all}, err
}

func migrateUp(ctx context.Context, db *store.Store, w io.Writer) error {
	set, err := coreMigrations()
	if err != nil {
		return err
	}
	applied := 0
	err = migrate.Up(ctx, db, set, func(migrate.Migration) { applied++ })
	if applied > 0 || err == nil {
		_, _ = fmt.Fprintf(w, "schema %s: %d migrations applied, %d in all\n", db.Database(), applied, len(set.Migrations))
	}
	return err
}
